"""Who is who: under which customer's id a subject goes on, after a merge or once an anonymous buyer is known."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import domain.catalogue  # noqa: F401 registers every type of fact
from domain.customer.facts import CustomerMerged, CustomerUnmerged
from domain.event import Event
from domain.fact import Fact
from projections.engine.readmodel import ReadModel, by_subject


class Alias(NamedTuple):
    """`customer_id` may itself have been merged since; the view goes that second step."""

    subject_id: UUID
    customer_id: UUID
    since: datetime


IDENTIFIED = tuple(fact for type_, fact in Fact.types.items() if type_.endswith(".customer_identified.v1"))


def evolve(row: Alias | None, event: Event) -> Alias | None:
    match event.fact:
        case CustomerMerged(into_id=into_id):
            return Alias(event.subject_id, into_id, event.occurred_at)
        case CustomerUnmerged():
            return None
        case identified:
            customer_id: UUID = getattr(identified, "customer_id")  # noqa: B009 any of IDENTIFIED
            if customer_id == event.subject_id:
                return row
            return Alias(event.subject_id, customer_id, event.occurred_at)


alias = ReadModel(
    name="alias",
    version=1,
    row=Alias,
    key=1,
    facts=(CustomerMerged, CustomerUnmerged, *IDENTIFIED),
    keys=by_subject,
    evolve=evolve,
)
