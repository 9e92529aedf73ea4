"""Opportunities as a toy read model, with totals by seller and currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from domain.event import Event
from domain.opportunity.facts import OpportunityLost, OpportunityMoved, OpportunityOpened, OpportunityWon
from projections.engine.readmodel import Key, ReadModel, Sums, by_stream


class Deal(NamedTuple):
    opportunity_id: UUID
    customer_id: UUID
    seller_id: UUID | None
    stage: str
    amount_minor: int
    currency: str
    moves: int


class SellerTotal(NamedTuple):
    seller_id: UUID
    currency: str
    won: int
    won_minor: int
    open: int


def evolve(row: Deal | None, event: Event) -> Deal | None:
    match event.fact:
        case OpportunityOpened(stage=stage, seller_id=seller_id, amount=amount):
            minor, currency = (amount.amount_minor, amount.currency) if amount else (0, "EUR")
            return Deal(event.stream_id, event.subject_id, seller_id, stage, minor, currency, 0)
        case OpportunityMoved(stage=stage) if row:
            return row._replace(stage=stage, moves=row.moves + 1)
        case OpportunityWon(amount=amount) if row:
            return row._replace(stage="won", amount_minor=amount.amount_minor, currency=amount.currency)
        case OpportunityLost() if row:
            return row._replace(stage="lost")
    return row


def contribute(row: Deal) -> Mapping[Key, tuple[int, ...]]:
    if row.seller_id is None or row.stage == "lost":
        return {}
    won = row.stage == "won"
    return {(row.seller_id, row.currency): (int(won), row.amount_minor * won, int(not won))}


deals = ReadModel(
    name="deals",
    version=1,
    row=Deal,
    key=1,
    facts=(OpportunityOpened, OpportunityMoved, OpportunityWon, OpportunityLost),
    keys=by_stream,
    evolve=evolve,
    sums=Sums(row=SellerTotal, key=2, contributes=contribute),
)
