"""What cannot be folded is parked with what follows it, in order; the rest goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from domain.customer.facts import (
    CustomerAmended,
    CustomerRegistered,
    CustomerStageChanged,
    Kind,
    NeedNoted,
    PersonErased,
    PersonId,
    Stage,
)
from domain.event import Event
from domain.fact import Fact
from domain.order.facts import Line, OrderKind, OrderPlaced
from domain.ports import NewFact
from projections.engine.engine import BreakerError, Limits
from projections.engine.parking import list_parked, retry, retry_all
from projections.engine.readmodel import Service
from projections.engine.schema import prepare
from projections.engine.stops import list_stops
from projections.engine.worker import Worker, run
from tests.integration.engine.conftest import QUICK, World, with_model
from tests.integration.engine.toys.people import Person, people

REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT, source="web")
ORDER = OrderPlaced(
    number="1", kind=OrderKind.SALE, currency="EUR", lines=(Line(product_id=UUID(int=1), quantity=1, amount_minor=5),)
)


def _stumble(row: Person | None, event: Event) -> Person | None:
    if isinstance(event.fact, NeedNoted) and event.fact.need == "odd":
        raise RuntimeError("cannot fold odd needs")
    return people.evolve(row, event)


FAULTY = with_model(replace(people, evolve=_stumble))


def stumbling(world: World) -> tuple[UUID, UUID]:
    """One customer with an odd fact in the middle, one without."""
    odd, even = world.story.new_id(), world.story.new_id()
    for customer_id in (odd, even):
        world.story.tell(customer_id, REGISTERED)
        world.story.tell(customer_id, NeedNoted(need="odd" if customer_id == odd else "even"))
        world.story.tell(customer_id, CustomerStageChanged(stage=Stage.CUSTOMER))
    return odd, even


def people_by_id(world: World) -> dict[UUID, tuple[str, tuple[str, ...]]]:
    return {i: (stage, tuple(needs)) for i, stage, needs in world.ask("select customer_id, stage, needs from people")}


def test_a_fact_that_cannot_be_folded_holds_back_its_own_subject_alone(world: World) -> None:
    odd, even = stumbling(world)
    world.story.tell(odd, ORDER, stream_id=world.story.new_id())
    world.catch_up(FAULTY)
    assert people_by_id(world) == {odd: ("prospect", ()), even: ("customer", ("even",))}
    assert world.ask("select count(*) from purchases") == [(1,)]
    first, second = list_parked(world.db)
    assert (first.subject_id, first.model, first.type) == (odd, "people", "crm.customer.need_noted.v1")
    assert first.cause.startswith("RuntimeError: cannot fold odd needs (test_parking.py:")
    assert (second.type, second.cause) == ("crm.customer.stage_changed.v1", "waits for an earlier one")


def test_mended_code_folds_what_was_parked_in_order_and_ends_where_it_would_have_been(world: World) -> None:
    odd, _ = stumbling(world)
    world.catch_up(FAULTY)
    world.story.tell(odd, CustomerAmended(source="later"))
    world.catch_up(FAULTY)
    with closing(world.open_log()) as ledger:
        (still,) = retry(world.db, FAULTY, ledger, "people", odd)
        assert still.left == 3
        (mended,) = retry_all(world.db, world.service, ledger)
    assert (mended.model, mended.subject_id, mended.left) == ("people", odd, 0)
    assert list_parked(world.db) == []
    retried = world.prints()
    world.forget_everything()
    world.catch_up()
    assert world.prints() == retried


def test_a_retry_takes_the_partition_from_a_running_worker_which_goes_on_from_the_new_rows(quietly: World) -> None:
    world = quietly
    world.service = FAULTY
    odd, _ = stumbling(world)
    world.catch_up(FAULTY)
    with world.workers(2), closing(world.open_log()) as ledger:
        await_lease(world)
        assert [left for _, _, left in retry_all(world.db, with_model(people), ledger)] == [0]
        world.story.tell(odd, CustomerAmended(source="after"))
        await_row(world, odd, "after")
    assert world.ask("select changes from people where customer_id = %s", odd) == [(3,)]


def await_lease(world: World) -> None:
    wait_for_rows(world, "select 1 from projection_bookmark where table_name = 'people_1' and worker > 1 limit 1")


def await_row(world: World, customer_id: UUID, source: str) -> None:
    wait_for_rows(world, "select 1 from people where customer_id = %s and source = %s", customer_id, source)


def wait_for_rows(world: World, question: str, *params: object) -> None:
    for _ in range(500):
        if world.ask(question, *params):
            return
        threading.Event().wait(0.02)
    raise TimeoutError(question)


def test_what_the_database_refuses_is_parked_alone(world: World) -> None:
    """A check of the table, found among many by halves."""
    world.story.customers(50)
    refused = world.story.new_id()
    world.story.tell(refused, REGISTERED)
    world.story.tell(refused, CustomerAmended(source="refused"))
    world.story.tell(refused, CustomerStageChanged(stage=Stage.LAPSED))
    world.story.customers(50)
    world.catch_up()
    assert [(p.model, p.subject_id) for p in list_parked(world.db)] == [("people", refused)] * 2
    assert "CheckViolation" in list_parked(world.db)[0].cause
    assert world.ask("select count(*) from people") == [(101,)]
    with closing(world.open_log()) as ledger:
        assert [left for _, _, left in retry_all(world.db, world.service, ledger)] == [2]
        world.db.execute("alter table people_1 drop constraint people_1_source_check")
        assert [left for _, _, left in retry_all(world.db, world.service, ledger)] == [0]
    retried = world.prints()
    assert world.ask("select stage, source from people where customer_id = %s", refused) == [("lapsed", "refused")]
    assert list_parked(world.db) == []
    assert len(retried) == 5


def test_a_fault_that_would_park_many_stops_before_them_and_says_what_to_do(world: World) -> None:
    def fail(row: Person | None, event: Event) -> Person | None:
        raise KeyError(event.type, row)

    world.story.customers(100)
    broken = with_model(replace(people, evolve=fail))
    with pytest.raises(BreakerError, match=r"read model people_1.*first cause KeyError") as stopped:
        world.catch_up(broken)
    assert "Mend its fold" in str(stopped.value)
    assert list_parked(world.db) == []
    assert world.ask("select coalesce(sum(seq), 0) from projection_bookmark") == [(0,)]
    world.catch_up()
    assert world.ask("select count(*) from people") == [(100,)]


def test_refusals_that_trickle_in_stop_it_too(world: World) -> None:
    for _ in range(6):
        world.story.tell(world.story.new_id(), REGISTERED, CustomerAmended(source="refused"))
    with pytest.raises(BreakerError, match="CheckViolation"):
        world.catch_up(pace=replace(QUICK, limits=Limits(batch=3)))
    assert len(list_parked(world.db)) == 3
    with pytest.raises(BreakerError):
        world.catch_up(pace=replace(QUICK, batch=1, limits=Limits(total=4)))
    assert len(list_parked(world.db)) == 4


def test_a_worker_goes_on_with_the_other_read_models_when_the_breaker_stops_one(world: World) -> None:
    def fail(row: Person | None, event: Event) -> Person | None:
        raise KeyError(event.type, row)

    world.story.customers(100)
    stop = threading.Event()
    broken = with_model(replace(people, evolve=fail))
    prepare(world.db, broken)
    thread = threading.Thread(target=run, args=[broken], kwargs={**world.access, "stop": stop, "pace": QUICK})
    thread.start()
    try:
        [(facts,)] = world.db.execute("select count(*) from ledger.fact").fetchall()
        assert await_count(world, "deals_%", facts) == facts
        [stopped] = list_stops(world.db)
        assert stopped.model == "people"
        assert "Mend its fold" in stopped.reason
    finally:
        stop.set()
        thread.join()
    assert folded(world, "people_%") == 0
    assert list_parked(world.db) == []
    assert list_stops(world.db) == [stopped]  # nobody has tried again
    world.catch_up()
    assert list_stops(world.db) == []


def folded(world: World, table: str) -> int:
    query = "select coalesce(sum(seq), 0)::int8 from projection_bookmark where table_name like %s"
    found = world.db.execute(query, [table])
    [(count,)] = found.fetchall()
    return int(count)


def await_count(world: World, table: str, count: int) -> int:
    deadline = time.monotonic() + 30
    while folded(world, table) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return folded(world, table)


class Unheard(Fact):
    TYPE = "crm.customer.unheard_of.v1"


@pytest.fixture
def unknown() -> Iterator[type[Fact]]:
    """A type that the running code does not know at first."""
    del Fact.types[Unheard.TYPE]
    yield Unheard
    Fact.types[Unheard.TYPE] = Unheard


def test_a_type_that_nobody_knows_waits_in_every_read_model_until_newer_code_starts(
    world: World, unknown: type[Fact]
) -> None:
    customer_id = world.story.new_id()
    world.story.tell(customer_id, REGISTERED)
    world.story.tell_all([NewFact(customer_id, customer_id, unknown())])
    world.story.tell(customer_id, CustomerStageChanged(stage=Stage.CUSTOMER))
    world.catch_up()
    parked = list_parked(world.db)
    assert {p.model for p in parked if p.is_unknown} == {"alias", "deals", "people", "purchases"}
    assert [p.type for p in parked if p.model == "people"] == [unknown.TYPE, "crm.customer.stage_changed.v1"]
    world.catch_up()
    assert len(list_parked(world.db)) == len(parked)
    Fact.types[unknown.TYPE] = unknown
    world.catch_up(Service("shop", world.service.read_models))
    assert list_parked(world.db) == []
    assert people_by_id(world) == {customer_id: ("customer", ())}


def test_erasure_reaches_the_rows_of_a_parked_subject_before_and_after_its_retry(world: World) -> None:
    odd, _ = stumbling(world)
    world.story.tell(odd, CustomerAmended(source="told while parked"))
    world.catch_up(FAULTY)
    world.story.tell(odd, PersonErased(person_ids=(PersonId(odd),), everyone=True))
    world.catch_up(FAULTY)
    assert world.ask("select source from people where customer_id = %s", odd) == [(None,)]
    with closing(world.open_log()) as ledger:
        retry_all(world.db, with_model(people), ledger)
    assert world.ask("select stage, source from people where customer_id = %s", odd) == [("customer", None)]


def test_a_lock_that_is_held_too_long_parks_nothing(world: World) -> None:
    stumbling(world)
    world.catch_up()
    customer_id = world.story.new_id()
    world.story.tell(customer_id, REGISTERED)
    with world.connect() as other, other.transaction():
        other.execute("lock table people_1 in access exclusive mode")
        with closing(world.connect()) as hurried:
            hurried.execute("set lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                run_once(world, hurried)
    assert list_parked(world.db) == []
    world.catch_up()
    assert world.ask("select count(*) from people") == [(3,)]


def run_once(world: World, db: psycopg.Connection[tuple[object, ...]]) -> None:
    with closing(world.open_log()) as log:
        worker = Worker(db, log, world.service, pace=QUICK)
        try:
            while worker.step(wait=False):
                pass
        finally:
            worker.leave()
