"""Orders as a toy read model: one row a stream, gone when the order is cancelled."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.event import Event
from domain.order.facts import OrderAmended, OrderCancelled, OrderPlaced, total_of
from projections.engine.readmodel import ReadModel, by_stream


class Purchase(NamedTuple):
    order_id: UUID
    customer_id: UUID
    number: str
    currency: str
    total_minor: int
    lines: int
    seller_id: UUID | None
    placed_at: datetime


def evolve(row: Purchase | None, event: Event) -> Purchase | None:
    match event.fact:
        case OrderPlaced() as fact:
            return Purchase(
                event.stream_id, event.subject_id, fact.number, fact.currency, fact.total_minor, len(fact.lines),
                fact.seller_id, event.occurred_at,
            )  # fmt: skip
        case OrderAmended(lines=lines) if row is not None and lines is not None:
            return row._replace(total_minor=total_of(lines), lines=len(lines))
        case OrderCancelled():
            return None
    return row


purchases = ReadModel(
    name="purchases",
    version=1,
    row=Purchase,
    key=1,
    facts=(OrderPlaced, OrderAmended, OrderCancelled),
    keys=by_stream,
    evolve=evolve,
)
