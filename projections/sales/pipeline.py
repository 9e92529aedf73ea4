"""Opportunities: how far each has come, what it may bring, and whose it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.opportunity.decider import Status
from domain.opportunity.facts import (
    OpportunityAmended,
    OpportunityLost,
    OpportunityMoved,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun, in_columns


class Opportunity(NamedTuple):
    """`stage` is the last one while it was open; `moved_at` when the stage or the status changed last."""

    opportunity_id: UUID
    subject_id: UUID
    status: str
    stage: str
    opened_at: datetime
    moved_at: datetime
    closed_at: datetime | None = None
    moves: int = 0
    reopenings: int = 0
    title: str | None = None
    source: str | None = None
    seller_id: UUID | None = None
    product_id: UUID | None = None
    amount_minor: int | None = None
    currency: str | None = None
    expected_close_on: date | None = None
    reason: str | None = None


Later = OpportunityMoved | OpportunityAmended | OpportunityWon | OpportunityLost | OpportunityReopened
PLAIN = ("title", "seller_id", "product_id", "expected_close_on")


def evolve(row: Opportunity | None, event: Event) -> Opportunity:
    fact = cast("OpportunityOpened | Later", event.fact)
    if isinstance(fact, OpportunityOpened):
        at = event.occurred_at
        opened = Opportunity(event.stream_id, event.subject_id, Status.OPEN, fact.stage, opened_at=at, moved_at=at)
        return _with_amount(amend(opened, fact, (*PLAIN, "source")), fact)
    return _go_on(begun(row, event), fact, event.occurred_at)


def _go_on(row: Opportunity, fact: Later, at: datetime) -> Opportunity:
    match fact:
        case OpportunityMoved(stage=stage):
            moved = row._replace(stage=stage, moves=row.moves + 1, moved_at=at)
            return _with_amount(moved, fact)
        case OpportunityAmended():
            return _with_amount(amend(row, fact, PLAIN), fact)
        case OpportunityWon():
            return _with_amount(row._replace(status=Status.WON, moved_at=at, closed_at=at), fact)
        case OpportunityLost(reason=reason):
            return row._replace(status=Status.LOST, reason=reason, moved_at=at, closed_at=at)
        case OpportunityReopened(stage=stage):
            reopened = row._replace(status=Status.OPEN, stage=stage, reason=None, moved_at=at, closed_at=None)
            return reopened._replace(reopenings=row.reopenings + 1)
        case _:
            assert_never(fact)


Priced = OpportunityOpened | OpportunityMoved | OpportunityAmended | OpportunityWon


def _with_amount(row: Opportunity, fact: Priced) -> Opportunity:
    amount_minor, currency = in_columns(fact.amount, (row.amount_minor, row.currency))
    return row._replace(amount_minor=amount_minor, currency=currency)


pipeline = ReadModel(
    name="pipeline",
    version=1,
    row=Opportunity,
    key=1,
    facts=(OpportunityOpened, *get_args(Later)),
    keys=by_stream,
    evolve=evolve,
)
