"""A simulated company's year: the same each time, in order, and never against the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from adapters.memory.ledger import MemoryLedger
from adapters.memory.vault import memory_vault
from adapters.simulation.calendar import CLOSES, DAY, HOUR, OPENS, Calendar
from adapters.simulation.load import Loaded, load
from adapters.simulation.simulation import Simulation, batches, fewest_events
from domain.catalogue import REGISTRY
from domain.errors import InvalidError
from domain.event import Origin
from domain.execute import Executor
from domain.fact import Fact

SMALL = Simulation(customers=30, events=600, seed=7)
YEAR = Simulation(customers=100, events=2_000)


def make_executor(ledger: MemoryLedger) -> Executor:
    return Executor(ledger, memory_vault(), REGISTRY, clock=lambda: datetime.now(UTC))


@pytest.fixture(scope="module")
def year() -> tuple[MemoryLedger, Loaded]:
    ledger = MemoryLedger()
    return ledger, load(make_executor(ledger), YEAR)


def test_the_same_seed_gives_the_same_commands_with_the_same_ids() -> None:
    assert list(SMALL) == list(Simulation(customers=30, events=600, seed=7))


def test_another_seed_gives_another_company_which_shares_no_command() -> None:
    ours = {context.command_id for _, context in SMALL}
    for other in (Simulation(30, 600, seed=8), Simulation(31, 600, seed=7), Simulation(30, 601, seed=7)):
        assert not ours & {context.command_id for _, context in other}


def test_every_command_has_an_id_of_its_own() -> None:
    assert len({context.command_id for _, context in YEAR}) == 2_000


def test_time_never_runs_backwards_and_stays_within_the_companys_year() -> None:
    times = [context.occurred_at for _, context in YEAR]
    assert all(earlier and later and earlier <= later for earlier, later in pairwise(times))
    zone = ZoneInfo("Europe/Lisbon")
    assert {time.astimezone(zone).year for time in times if time} == {2025}


def test_it_is_history_and_sets_nothing_off() -> None:
    assert {context.origin for _, context in SMALL} == {Origin.IMPORT}


def test_nothing_is_refused_and_every_command_makes_a_fact(year: tuple[MemoryLedger, Loaded]) -> None:
    ledger, loaded = year
    assert (loaded.commands, loaded.reasons(), loaded.repeated) == (2_000, {}, 0)
    told = {event.command_id for event in ledger.read(0, 10_000)}
    assert told == {context.command_id for _, context in YEAR}


@pytest.mark.parametrize("seed", range(3))
def test_other_companies_break_no_rule_either(seed: int) -> None:
    loaded = load(make_executor(MemoryLedger()), Simulation(customers=40, events=900, seed=seed))
    assert (loaded.commands, loaded.reasons()) == (900, {})


def test_every_type_of_fact_occurs_but_accesses_files_and_erased_employees(year: tuple[MemoryLedger, Loaded]) -> None:
    ledger, _ = year
    happened = {event.type for event in ledger.read(0, 10_000)}
    published = {type_ for type_, fact in Fact.types.items() if fact.__module__.startswith("domain.")}
    apart = ("crm.access.", "crm.agreement.", "crm.attachment.", "crm.employee.erased.", "crm.endpoint.", "crm.feed.")
    left_out = {type_ for type_ in published if type_.startswith(apart)}
    assert published - happened == left_out


def test_loading_it_again_changes_nothing() -> None:
    ledger = MemoryLedger()
    executor = make_executor(ledger)
    first, again = load(executor, SMALL), load(executor, SMALL)
    assert (again.repeated, again.facts) == (600, 0)
    assert ledger.last_position() == first.facts


def test_a_load_that_was_stopped_goes_on_where_it_was() -> None:
    ledger = MemoryLedger()
    executor, asked = make_executor(ledger), iter((False, True))
    part = load(executor, YEAR, stop=lambda: next(asked))
    assert part.interrupted
    assert 0 < part.commands < 2_000
    assert load(executor, YEAR).repeated == part.commands


def test_batches_hold_every_command_in_order() -> None:
    assert [order for batch in batches(SMALL, size=250) for order in batch] == list(SMALL)
    assert [len(batch) for batch in batches(SMALL, size=250)] == [250, 250, 100]


def test_december_is_busier_than_august() -> None:
    months = [context.occurred_at.month for _, context in YEAR if context.occurred_at]
    assert months.count(12) > 1.5 * months.count(8)


def test_nobody_can_be_reached_at_a_real_address() -> None:
    values = [getattr(command, "value", "") for command, _ in YEAR if command.NAME == "customer.add_contact_point"]
    addresses = [value for value in values if "@" in value]
    assert addresses
    assert all(value.endswith((".example", ".example.com")) for value in addresses)
    assert all(value.startswith("+999") for value in values if value.startswith("+"))


@pytest.mark.parametrize(("customers", "events"), [(9, 5_000), (100, fewest_events(100) - 1)])
def test_a_company_too_small_is_refused(customers: int, events: int) -> None:
    with pytest.raises(InvalidError):
        Simulation(customers, events)


def test_the_office_is_open_on_working_days_by_day() -> None:
    calendar, rng = Calendar(2025, "Europe/Lisbon"), Random(1)
    for moment in range(0, calendar.end - 10 * DAY, 5 * HOUR):
        found = calendar.office(moment, rng)
        assert moment <= found
        assert OPENS <= found % DAY < CLOSES
        assert calendar.date(found).weekday() < 5
        assert calendar.date(found) not in {date(2025, 4, 25), date(2025, 12, 25)}


def test_moments_are_the_companys_local_time() -> None:
    calendar = Calendar(2025, "America/Sao_Paulo")
    assert calendar.utc(10 * HOUR) == datetime(2025, 1, 1, 13, tzinfo=UTC)
    assert calendar.utc(10 * HOUR).timestamp() * 1000 == calendar.unix_ms(10 * HOUR)
