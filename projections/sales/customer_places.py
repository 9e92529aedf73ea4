"""Where customers are, and were: the countries they told, each with since when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from domain.customer.facts import CustomerAmended, CustomerRegistered
from domain.event import Event
from projections.engine.readmodel import ReadModel, by_stream


class CustomerPlaces(NamedTuple):
    """A customer's who has told a country; the arrays run along in time."""

    customer_id: UUID
    countries: tuple[str, ...]
    since: tuple[datetime, ...]


def evolve(row: CustomerPlaces | None, event: Event) -> CustomerPlaces | None:
    """What is told later counts from when it occurred, whatever was told before of the time after that."""
    country, at = cast("CustomerRegistered | CustomerAmended", event.fact).country, event.occurred_at
    if country is None:
        return row
    told = zip(row.countries, row.since, strict=True) if row else ()
    places = [*((where, when) for where, when in told if when < at), (country, at)]
    return CustomerPlaces(event.stream_id, *map(tuple, zip(*places, strict=True)))


customer_places = ReadModel(
    name="customer_places",
    version=1,
    row=CustomerPlaces,
    key=1,
    facts=(CustomerRegistered, CustomerAmended),
    keys=by_stream,
    evolve=evolve,
)
