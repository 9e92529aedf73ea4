"""The history of a customer with ten thousand facts: in a ledger of a million, and in one that holds nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import UUID

import psycopg

from adapters.ids import uuid7
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.migrate import create_roles_and_databases, migrate
from benchmarks.append import sealed_note
from benchmarks.figures import TIMES, Figure, Measured
from benchmarks.harness import Scratch, main, take_turns, timed
from deploy.wiring import MIGRATIONS
from domain.event import Event
from domain.fact import Fact
from domain.ports import Append, NewFact, Write
from projections.history import Horizon, read_history

CHUNK = 1_000
TARGET = 1.3
HOW = (
    "`relato history` without the opening of sealed values: {mine:,} facts, read and put in order. In the large ledger"
    " they lie evenly among {all:,} of others; both are warm. The values are the large one's time by the small one's."
)


def measure(scratch: Scratch) -> Measured:
    mine, everything = scratch.count(10_000, 500), scratch.count(1_000_000, 5_000)
    subject_id, fact = uuid7(), sealed_note(scratch)
    with ExitStack() as stack:
        sides = {}
        for name, size in (("small", mine), ("large", everything)):
            dsn = _make_ledger(scratch, name)
            ledger, identities = PostgresLedger(dsn), PostgresErasures(dsn)
            stack.callback(ledger.close)
            stack.callback(identities.close)
            _fill(ledger, subject_id, mine, size, fact)
            with psycopg.connect(scratch.owner(name), autocommit=True) as db:
                db.execute("vacuum analyze ledger.fact")

            def read(ledger: PostgresLedger = ledger, identities: PostgresErasures = identities) -> float:
                found: list[Event] = []
                took = timed(lambda: found.extend(read_history(subject_id, ledger, identities, Horizon())))
                assert len(found) == mine
                return took * 1000

            read()
            sides[name] = read
        found = take_turns(sides, scratch.count(15, 3))
    values = [round(large / small, 3) for small, large in zip(found["small"], found["large"], strict=True)]
    return [
        Figure(what="history query of a subject with 10,000 facts, ledger of 1,000,000",
               against="the same in a ledger of 10,000", unit=TIMES, target=TARGET, is_most=True, values=values,
               sides=found, how=HOW.format(mine=mine, all=everything))
    ]  # fmt: skip


def _make_ledger(scratch: Scratch, name: str) -> str:
    create_roles_and_databases(scratch.owner("postgres"), [name])
    migrate(scratch.owner(name), MIGRATIONS / "ledger")
    return scratch.owner(name)


def _fill(ledger: PostgresLedger, subject_id: UUID, mine: int, everything: int, fact: Fact) -> None:
    """The subject's facts, evenly spread."""
    version = 0
    for subjects in _chunks(subject_id, mine, everything):
        others = {s: 0 for s in subjects if s != subject_id}
        own = {subject_id: version} if subject_id in subjects else {}
        ledger.append(Append([_write(s, fact) for s in subjects], others | own))
        version += subjects.count(subject_id)


def _chunks(subject_id: UUID, mine: int, everything: int) -> Iterator[list[UUID]]:
    every = everything // mine
    for first in range(0, everything, CHUNK):
        yield [subject_id if n % every == 0 else uuid7() for n in range(first, min(first + CHUNK, everything))]


def _write(subject_id: UUID, fact: Fact) -> Write:
    command_id = uuid7()
    return Write(command_id, bytes(16), command_id, command_id, "bench", "import", datetime.now(UTC),
                 (NewFact(subject_id, subject_id, fact),))  # fmt: skip


if __name__ == "__main__":
    main(measure)
