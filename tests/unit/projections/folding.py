"""Given facts, the row: how a read model's fold is told in a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from domain.event import Event, Origin, partition_of
from domain.fact import Fact
from projections.engine.readmodel import ReadModel

Row = TypeVar("Row", bound=tuple[object, ...])

BEGIN = datetime(2025, 3, 3, 9, tzinfo=UTC)
STREAM, SUBJECT = UUID(int=7), UUID(int=9)
AGENT, OTHER_AGENT = UUID(int=21), UUID(int=22)


def after(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def event_of(
    fact: Fact, number: int = 1, *, stream: UUID = STREAM, subject: UUID = SUBJECT, at: datetime | None = None
) -> Event:
    """The fact as it comes from the ledger: only its stored bytes are given. Each is a minute after the one before."""
    at, place = at or after(number - 1), partition_of(subject)
    command = UUID(int=1000 + number)
    return Event(number, place, number, stream, number, subject, number, command, command, command, command,
                 at, at, fact.TYPE, "tester", Origin.COMMAND, fact.encode(), b"", b"")  # fmt: skip


def fold(model: ReadModel[Row], *facts: Fact, stream: UUID = STREAM, subject: UUID = SUBJECT) -> Row:
    """The one row that these facts make."""
    row: Row | None = None
    for number, fact in enumerate(facts, 1):
        event = event_of(fact, number, stream=stream, subject=subject)
        assert type(fact) in model.facts
        (key,) = model.keys(event)
        row = model.evolve(row, event)
        assert row is not None
        assert row[: model.key] == key
    assert row is not None
    return row
