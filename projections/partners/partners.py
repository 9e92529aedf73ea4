"""Partners: suppliers and distributors."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.partner.facts import PartnerAmended, PartnerFact, PartnerRegistered, PartnerRemoved
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun


class Partner(NamedTuple):
    partner_id: UUID
    name: str
    kind: str
    country: str | None = None
    removed_at: datetime | None = None


DETAILS = tuple(PartnerAmended.model_fields)


def evolve(row: Partner | None, event: Event) -> Partner:
    fact = cast("PartnerFact", event.fact)
    match fact:
        case PartnerRegistered(name=name, kind=kind, country=country):
            return Partner(event.stream_id, name, kind, country)
        case PartnerAmended():
            return amend(begun(row, event), fact, DETAILS)
        case PartnerRemoved():
            return begun(row, event)._replace(removed_at=event.occurred_at)
        case _:
            assert_never(fact)


partners = ReadModel(
    name="partners",
    version=1,
    row=Partner,
    key=1,
    facts=get_args(PartnerFact),
    keys=by_stream,
    evolve=evolve,
)
