"""Orders of products by line: one row for each order, so that what is amended or cancelled meets all its lines."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.order.facts import OrderAmended, OrderCancelled, OrderPlaced
from projections.engine.readmodel import ReadModel, by_stream
from projections.lines import Lines, counted
from projections.rows import begun


class ProductOrder(NamedTuple):
    """The three arrays run along the order's lines, a return's with a minus; the view makes a row of each line."""

    order_id: UUID
    subject_id: UUID
    number: str
    kind: str
    currency: str
    country: str | None
    placed_at: datetime
    cancelled_at: datetime | None
    product_ids: tuple[UUID, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]


OrderedFact = OrderPlaced | OrderAmended | OrderCancelled


def evolve(row: ProductOrder | None, event: Event) -> ProductOrder:
    fact = cast("OrderedFact", event.fact)
    match fact:
        case OrderPlaced():
            return _place(fact, event)
        case OrderAmended(lines=lines):
            return _with_lines(begun(row, event), lines) if lines is not None else begun(row, event)
        case OrderCancelled():
            return begun(row, event)._replace(cancelled_at=event.occurred_at)
        case _:
            assert_never(fact)


def _place(fact: OrderPlaced, event: Event) -> ProductOrder:
    head = (event.stream_id, event.subject_id, fact.number, fact.kind, fact.currency, fact.country)
    return _with_lines(ProductOrder(*head, event.occurred_at, None, (), (), ()), fact.lines)


def _with_lines(row: ProductOrder, lines: Lines) -> ProductOrder:
    lines = counted(row.kind, lines)
    return row._replace(
        product_ids=tuple(line.product_id for line in lines),
        quantities=tuple(line.quantity for line in lines),
        amounts_minor=tuple(line.amount_minor for line in lines),
    )


product_orders = ReadModel(
    name="product_orders",
    version=1,
    row=ProductOrder,
    key=1,
    facts=get_args(OrderedFact),
    keys=by_stream,
    evolve=evolve,
)
