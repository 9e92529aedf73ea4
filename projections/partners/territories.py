"""Territories: which countries they cover, who is responsible for them, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.territory.assignments import Assignment, after
from domain.territory.facts import (
    TerritoryAmended,
    TerritoryClosed,
    TerritoryFact,
    TerritoryFormed,
    TerritoryPartnerAssigned,
    TerritoryPartnerReleased,
)
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import begun


class Territory(NamedTuple):
    """`coverage` are the countries it covered, each with `since`; the arrays run along the partners' assignments."""

    territory_id: UUID
    name: str
    countries: tuple[str, ...]
    formed_at: datetime
    closed_at: datetime | None = None
    coverage: tuple[dict[str, Any], ...] = ()
    partner_ids: tuple[UUID, ...] = ()
    valid_froms: tuple[datetime, ...] = ()
    valid_untils: tuple[datetime | None, ...] = ()


def evolve(row: Territory | None, event: Event) -> Territory:
    fact, at = cast("TerritoryFact", event.fact), event.occurred_at
    match fact:
        case TerritoryFormed(name=name, countries=countries):
            return _cover(Territory(event.stream_id, name, (), at), countries, at)
        case TerritoryAmended(name=name, countries=countries):
            row = begun(row, event)
            row = row if name is None else row._replace(name=name)
            return row if countries is None else _cover(row, countries, at)
        case TerritoryClosed():
            return begun(row, event)._replace(closed_at=at)
        case TerritoryPartnerAssigned() | TerritoryPartnerReleased():
            return _assign(begun(row, event), fact)
        case _:
            assert_never(fact)


def _cover(row: Territory, countries: tuple[str, ...], at: datetime) -> Territory:
    """What is told later counts from when it occurred, whatever was told before of the time after that."""
    earlier = tuple(one for one in row.coverage if datetime.fromisoformat(one["since"]) < at)
    now = {"countries": countries, "since": at.isoformat()}
    return row._replace(countries=countries, coverage=(*earlier, now))


def _assign(row: Territory, fact: TerritoryPartnerAssigned | TerritoryPartnerReleased) -> Territory:
    known = map(Assignment, row.partner_ids, row.valid_froms, row.valid_untils)
    assignments = after(tuple(known), fact)
    return row._replace(
        partner_ids=tuple(one.partner_id for one in assignments),
        valid_froms=tuple(one.valid_from for one in assignments),
        valid_untils=tuple(one.valid_until for one in assignments),
    )


territories = ReadModel(
    name="territories",
    version=1,
    row=Territory,
    key=1,
    facts=get_args(TerritoryFact),
    keys=by_stream,
    evolve=evolve,
)
