"""Purchases: what each order counts in recency, frequency and money; on which day is a matter of the time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import partial
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.order.facts import OrderAmended, OrderCancelled, OrderPlaced, total_of
from projections.engine.readmodel import ReadModel, by_stream
from projections.lines import Lines, counted
from projections.rows import begun

COMPANY_ZONE = UTC


class Purchase(NamedTuple):
    """`day` is the company's; `amount_minor` is negative for a return."""

    order_id: UUID
    subject_id: UUID
    kind: str
    currency: str
    amount_minor: int
    placed_at: datetime
    day: date
    cancelled: bool = False


PurchaseFact = OrderPlaced | OrderAmended | OrderCancelled


def evolve(zone: tzinfo, row: Purchase | None, event: Event) -> Purchase:
    fact = cast("PurchaseFact", event.fact)
    match fact:
        case OrderPlaced(kind=kind, currency=currency, lines=lines):
            at, amount_minor = event.occurred_at, _amount(kind, lines)
            day = at.astimezone(zone).date()
            return Purchase(event.stream_id, event.subject_id, kind, currency, amount_minor, at, day)
        case OrderAmended(lines=lines):
            row = begun(row, event)
            return row if lines is None else row._replace(amount_minor=_amount(row.kind, lines))
        case OrderCancelled():
            return begun(row, event)._replace(cancelled=True)
        case _:
            assert_never(fact)


def _amount(kind: str, lines: Lines) -> int:
    return total_of(counted(kind, lines))


def purchases_in(zone: tzinfo) -> ReadModel[Purchase]:
    """In a company's time zone; where another was in use, the read model has to be rebuilt."""
    return ReadModel(
        name="purchases",
        version=1,
        row=Purchase,
        key=1,
        facts=get_args(PurchaseFact),
        keys=by_stream,
        evolve=partial(evolve, zone),
    )
