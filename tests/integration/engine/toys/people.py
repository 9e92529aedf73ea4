"""Customers as a toy read model: one row a subject, with JSON, an array, and a column in clear that erasure nulls."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from domain.customer.facts import (
    ContactPointAdded,
    ContactPointRemoved,
    CustomerAmended,
    CustomerRegistered,
    CustomerStageChanged,
    NeedNoted,
)
from domain.event import Event
from projections.engine.readmodel import ReadModel, by_subject


class Person(NamedTuple):
    customer_id: UUID
    stage: str
    name: str | None
    source: str | None
    points: tuple[dict[str, Any], ...]
    needs: tuple[str, ...]
    changes: int


def evolve(row: Person | None, event: Event) -> Person | None:
    if isinstance(fact := event.fact, CustomerRegistered):
        return Person(event.subject_id, fact.stage, fact.name, fact.source, (), (), 0)
    assert row is not None, "a customer begins with its registration"
    row = row._replace(changes=row.changes + 1)
    match fact:
        case CustomerAmended(name=name, source=source):
            return row._replace(name=name or row.name, source=source or row.source)
        case CustomerStageChanged(stage=stage):
            return row._replace(stage=stage)
        case ContactPointAdded(channel=channel, value=value):
            return row._replace(points=(*row.points, {"channel": channel, "value": str(value)}))
        case ContactPointRemoved(channel=channel, value=value):
            return row._replace(points=tuple(p for p in row.points if p != {"channel": channel, "value": value}))
        case NeedNoted(need=need):
            return row._replace(needs=(*row.needs, need))
    raise AssertionError(event.type)


people = ReadModel(
    name="people",
    version=1,
    row=Person,
    key=1,
    facts=(
        CustomerRegistered, CustomerAmended, CustomerStageChanged, ContactPointAdded, ContactPointRemoved, NeedNoted
    ),
    keys=by_subject,
    evolve=evolve,
    searchable={"source": "customer_id"},
)  # fmt: skip
