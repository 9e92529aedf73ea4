"""One fold for both sides: a deal's stage, amount and number of moves."""

from __future__ import annotations

from typing import NamedTuple, cast
from uuid import UUID

from domain.event import Event
from domain.opportunity.facts import OpportunityMoved, OpportunityOpened, OpportunityWon
from projections.engine.readmodel import ReadModel, by_stream


class Deal(NamedTuple):
    """A row on both sides."""

    deal_id: UUID
    stage: str
    amount_minor: int
    moves: int


def opened(deal_id: UUID, stage: str, amount_minor: int) -> Deal:
    return Deal(deal_id, stage, amount_minor, 0)


def moved(deal: Deal, stage: str, amount_minor: int) -> Deal:
    return deal._replace(stage=stage, amount_minor=amount_minor, moves=deal.moves + 1)


def evolve(row: Deal | None, event: Event) -> Deal:
    fact = cast("OpportunityOpened | OpportunityMoved | OpportunityWon", event.fact)
    amount_minor = fact.amount.amount_minor if fact.amount else 0
    if isinstance(fact, OpportunityOpened):
        return opened(event.stream_id, fact.stage, amount_minor)
    assert row is not None
    return moved(row, fact.stage if isinstance(fact, OpportunityMoved) else "won", amount_minor)


deals = ReadModel(
    name="deals",
    version=1,
    row=Deal,
    key=1,
    facts=(OpportunityOpened, OpportunityMoved, OpportunityWon),
    keys=by_stream,
    evolve=evolve,
)
