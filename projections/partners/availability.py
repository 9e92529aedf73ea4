"""Availability: how much there is of a product, at us and at each partner that said so."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple, cast
from uuid import UUID

from domain.event import Event
from domain.product.facts import ProductAvailabilityReported
from projections.engine.readmodel import ReadModel, by_stream


class Availability(NamedTuple):
    """A product's; the arrays run along who has it, None for us, and the view makes a row of each."""

    product_id: UUID
    partner_ids: tuple[UUID | None, ...] = ()
    levels: tuple[str, ...] = ()
    quantities: tuple[int | None, ...] = ()
    expected_ons: tuple[date | None, ...] = ()
    reported_ats: tuple[datetime, ...] = ()


def evolve(row: Availability | None, event: Event) -> Availability:
    """The last report of each takes the place of the one before."""
    fact, (product_id, *columns) = cast("ProductAvailabilityReported", event.fact), row or Availability(event.stream_id)
    reports = {report[0]: report for report in zip(*columns, strict=True)}
    reports[fact.partner_id] = (fact.partner_id, fact.level, fact.quantity, fact.expected_on, event.occurred_at)
    return Availability(product_id, *map(tuple, zip(*reports.values(), strict=True)))


availability = ReadModel(
    name="availability",
    version=1,
    row=Availability,
    key=1,
    facts=(ProductAvailabilityReported,),
    keys=by_stream,
    evolve=evolve,
)
