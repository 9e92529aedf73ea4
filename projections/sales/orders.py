"""Orders: what was sold, returned or adjusted, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.order.facts import OrderAmended, OrderCancelled, OrderPlaced, OrderShipped, total_of
from domain.personal import Sealed
from projections.engine.readmodel import ReadModel, by_stream
from projections.lines import Lines, counted
from projections.rows import begun


class Order(NamedTuple):
    """`lines` are how many, `units` and `total_minor` their sums; those of a return are negative."""

    order_id: UUID
    subject_id: UUID
    number: str
    kind: str
    lines: int
    units: int
    total_minor: int
    currency: str
    placed_at: datetime
    amendments: int = 0
    shipments: int = 0
    shipped_at: datetime | None = None
    cancelled_at: datetime | None = None
    reason: str | None = None
    seller_id: UUID | None = None
    country: str | None = None
    channel: str | None = None
    note: Sealed | None = None


Later = OrderAmended | OrderShipped | OrderCancelled


def evolve(row: Order | None, event: Event) -> Order:
    fact = cast("OrderPlaced | Later", event.fact)
    if isinstance(fact, OrderPlaced):
        return _place(fact, event)
    return _go_on(begun(row, event), fact, event.occurred_at)


def _place(fact: OrderPlaced, event: Event) -> Order:
    return Order(
        event.stream_id,
        event.subject_id,
        fact.number,
        fact.kind,
        *_measure(fact.kind, fact.lines),
        fact.currency,
        event.occurred_at,
        seller_id=fact.seller_id,
        country=fact.country,
        channel=fact.channel,
        note=fact.note,
    )


def _measure(kind: str, lines: Lines) -> tuple[int, int, int]:
    """How many lines there are, their units, and their total."""
    lines = counted(kind, lines)
    return len(lines), sum(line.quantity for line in lines), total_of(lines)


def _go_on(row: Order, fact: Later, at: datetime) -> Order:
    match fact:
        case OrderAmended():
            return _amend(row, fact)
        case OrderShipped():
            return row._replace(shipments=row.shipments + 1, shipped_at=at)
        case OrderCancelled(reason=reason):
            return row._replace(cancelled_at=at, reason=reason)
        case _:
            assert_never(fact)


def _amend(row: Order, fact: OrderAmended) -> Order:
    row = row._replace(note=fact.note or row.note, amendments=row.amendments + 1)
    if fact.lines is None:
        return row
    lines, units, total_minor = _measure(row.kind, fact.lines)
    return row._replace(lines=lines, units=units, total_minor=total_minor)


orders = ReadModel(
    name="orders",
    version=1,
    row=Order,
    key=1,
    facts=(OrderPlaced, *get_args(Later)),
    keys=by_stream,
    evolve=evolve,
)
