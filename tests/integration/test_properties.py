"""Random histories over all aggregates: what is folded live equals what is rebuilt; a merge can be undone exactly."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from adapters.postgres.migrate import create_roles_and_databases, migrate
from adapters.postgres.server import PostgresServer
from domain.catalogue import REGISTRY
from domain.errors import RefusedError
from domain.event import Event
from projections.catalogue import SERVICES
from projections.engine.readmodel import Service
from projections.engine.schema import connect
from projections.engine.sources import Mended
from projections.engine.table import fingerprint
from projections.engine.worker import catch_up
from tests.company import BEGIN, Company, Row
from tests.histories import BEGINNINGS, COMMANDS, Cast, Choice, a_file, choices
from tests.integration.conftest import MIGRATIONS

MERGES = tuple(f"crm.customer.{verb}.v1" for verb in ("merged", "absorbed", "unmerged", "released"))
PARTS = st.lists(st.lists(choices, min_size=50, max_size=80), min_size=2, max_size=4)
# a failure is told as it is: to shrink a history of a hundred commands would take longer than to read it
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
Views = Mapping[str, Sequence[Row]]
_examples = itertools.count(1)


@pytest.fixture(scope="module")
def company(postgres: PostgresServer) -> Iterator[Company]:
    """One ledger for all examples: each has a cast of its own, and the read models grow."""
    create_roles_and_databases(postgres.dsn(), ["histories"])
    migrate(postgres.dsn("histories"), MIGRATIONS / "ledger")
    app = postgres.dsn("histories", "relato_app")
    ledger = PostgresLedger(app)
    yield Company.over(ledger, memory_vault(), app, postgres.dsn("histories"))
    ledger.close()
    with psycopg.connect(postgres.dsn(), autocommit=True) as db:
        db.execute("drop database histories with (force)")


class Untidy:
    """A source that goes partition by partition, leaves out every seventh event and repeats every fifth."""

    def __init__(self, dsn: str) -> None:
        self.ledger = LedgerSource(dsn, listen=False)

    def poll(
        self,
        after: Mapping[int, int],
        limit: int,  # noqa: ARG002 a Source's
        timeout_s: float,  # noqa: ARG002 a Source's
        skip: Collection[str],  # noqa: ARG002 a Source's
    ) -> Sequence[Event]:
        heads = self.ledger.heads()
        events = [e for p, seq in after.items() for e in self.ledger.read(p, max(seq - 2, 0), heads.get(p, 0))]
        kept = [e for e in events if e.partition_seq % 7 or e.partition_seq == heads[e.partition]]
        return [e for event in kept for e in ((event,) if event.partition_seq % 5 else (event, event))]

    def close(self) -> None:
        self.ledger.close()


def tell(company: Company, cast: Cast, choice: Choice) -> None:
    """A command, whether it is refused or not; its time may lie before that of an earlier one."""
    name, *numbers = choice
    with suppress(RefusedError):
        company.do(name, at=BEGIN + timedelta(hours=7 * sum(numbers)), **COMMANDS[name](cast, *numbers))


def begin(company: Company) -> Cast:
    cast = Cast(next(_examples))
    for name, fields in BEGINNINGS.items():
        for n in range(2 if name != "customer.register" else 4):
            company.do(name, **fields(cast, n))
    for n in range(2):
        company.give(a_file(cast, n))
    return cast


def mended(source: Untidy) -> Mended:
    return Mended(source, source.ledger)


@contextmanager
def rebuilt(company: Company, service: Service) -> Iterator[Service]:
    """The service's read models, folded from nothing out of an untidy source into a schema beside."""
    beside = Service(f"{service.name}_again", service.read_models, service.views)
    catch_up(
        beside,
        connect=lambda: connect(company.owner, beside),
        open_log=lambda: mended(Untidy(company.app)),
    )
    yield beside
    with psycopg.connect(company.owner, autocommit=True) as db:
        db.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(beside.name)))


def prints(company: Company, service: Service) -> dict[str, str]:
    with connect(company.owner, service) as db:
        return {model.name: fingerprint(db, f"{model.name}_{model.version}") for model in service.models}


def test_every_registered_command_can_occur_in_a_history() -> None:
    assert COMMANDS.keys() | BEGINNINGS.keys() == {registration.command.NAME for registration in REGISTRY}


@settings(max_examples=4, deadline=None, phases=PHASES)
@given(parts=PARTS, batches=st.lists(st.integers(1, 60), min_size=4, max_size=4))
def test_live_equals_rebuilt_whatever_the_batches_and_the_source(
    company: Company, parts: list[list[Choice]], batches: list[int]
) -> None:
    cast = begin(company)
    for part, batch in zip(parts, batches, strict=False):
        for choice in part:
            tell(company, cast, choice)
        company.fold(batch=batch)
    assert company.parked() == []
    for service in SERVICES:
        with rebuilt(company, service) as beside:
            assert prints(company, service) == prints(company, beside)


@settings(max_examples=6, deadline=None, phases=PHASES)
@given(history=st.lists(choices, min_size=80, max_size=120), pair=st.permutations(range(4)), read=st.booleans())
def test_a_merge_that_is_undone_leaves_every_view_as_it_was(
    company: Company, history: list[Choice], pair: list[int], *, read: bool
) -> None:
    cast = begin(company)
    for choice in history:
        tell(company, cast, choice)
    company.fold()
    before = show_all(company)
    merged, survivor = map(cast.customer, pair[:2])
    try:
        company.do("customer.merge", customer_id=merged, into_id=survivor)
    except RefusedError:
        return
    if read:
        company.fold()
        assert show_all(company) != before
    company.do("customer.unmerge", customer_id=merged, from_id=survivor)
    company.fold()
    assert show_all(company) == before


def show_all(company: Company) -> Views:
    """Every view; a merge and its undoing stay on the timeline, which is a history."""
    views = company.show_all()
    return views | {"timeline": [row for row in views["timeline"] if row["type"] not in MERGES]}
