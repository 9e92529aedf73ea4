"""Leads: the opportunities that partners passed to us and how far they have come; neither whose, nor how much."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.opportunity.decider import Status
from domain.opportunity.facts import (
    OpportunityLost,
    OpportunityMoved,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from projections.engine.readmodel import ReadModel, by_stream


class Lead(NamedTuple):
    """`stage` is the last one it had while it was open."""

    opportunity_id: UUID
    partner_id: UUID
    status: str
    stage: str
    passed_at: datetime
    changed_at: datetime


LeadFact = OpportunityOpened | OpportunityMoved | OpportunityReopened | OpportunityWon | OpportunityLost


def evolve(row: Lead | None, event: Event) -> Lead | None:
    """What no partner passed has no row."""
    fact, at = cast("LeadFact", event.fact), event.occurred_at
    if isinstance(fact, OpportunityOpened):
        partner_id = fact.partner_id
        return Lead(event.stream_id, partner_id, Status.OPEN, fact.stage, at, at) if partner_id else None
    if row is None:
        return None
    match fact:
        case OpportunityMoved(stage=stage) | OpportunityReopened(stage=stage):
            return row._replace(status=Status.OPEN, stage=stage, changed_at=at)
        case OpportunityWon():
            return row._replace(status=Status.WON, changed_at=at)
        case OpportunityLost():
            return row._replace(status=Status.LOST, changed_at=at)
        case _:
            assert_never(fact)


leads = ReadModel(name="leads", version=1, row=Lead, key=1, facts=get_args(LeadFact), keys=by_stream, evolve=evolve)
