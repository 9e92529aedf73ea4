"""Interactions, counted by customer: how often there was contact, and when last."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from domain.event import Event
from domain.interaction.facts import Direction, InteractionLogged
from projections.engine.readmodel import ReadModel, by_subject


class Interactions(NamedTuple):
    """`internal` ones are no contact: the times are of what came in and went out, whenever it was recorded."""

    subject_id: UUID
    inbound: int = 0
    outbound: int = 0
    internal: int = 0
    first_contact_at: datetime | None = None
    last_contact_at: datetime | None = None


def evolve(row: Interactions | None, event: Event) -> Interactions:
    row, at = row or Interactions(event.subject_id), event.occurred_at
    direction = cast("InteractionLogged", event.fact).direction
    if direction is Direction.INTERNAL:
        return row._replace(internal=row.internal + 1)
    first = min(row.first_contact_at or at, at)
    row = row._replace(first_contact_at=first, last_contact_at=max(row.last_contact_at or at, at))
    if direction is Direction.INBOUND:
        return row._replace(inbound=row.inbound + 1)
    return row._replace(outbound=row.outbound + 1)


interactions = ReadModel(
    name="interactions",
    version=1,
    row=Interactions,
    key=1,
    facts=(InteractionLogged,),
    keys=by_subject,
    evolve=evolve,
)
