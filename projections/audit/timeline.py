"""The timeline: every fact of every type, as it lies in the ledger, by whose it is."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import domain.catalogue  # noqa: F401 registers every type of fact
from domain.event import Event
from domain.fact import Fact
from projections.engine.readmodel import Key, ReadModel


class Entry(NamedTuple):
    """`data` are the stored bytes, sealed values in them; `position` is the place that a proof is asked for."""

    subject_id: UUID
    subject_seq: int
    position: int
    event_id: UUID
    stream_id: UUID
    stream_version: int
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    origin: str
    command_id: UUID
    causation_id: UUID
    data: bytes


def by_place(event: Event) -> tuple[Key]:
    return ((event.subject_id, event.subject_seq),)


def evolve(_: Entry | None, event: Event) -> Entry:
    return Entry(
        event.subject_id,
        event.subject_seq,
        event.position,
        event.event_id,
        event.stream_id,
        event.stream_version,
        event.type,
        event.occurred_at,
        event.recorded_at,
        event.actor,
        event.origin,
        event.command_id,
        event.causation_id,
        event.data,
    )


timeline = ReadModel(
    name="timeline",
    version=1,
    row=Entry,
    key=2,
    facts=tuple(Fact.types.values()),
    keys=by_place,
    evolve=evolve,
)
