"""The rules for opportunities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from domain.anonymous import OF_SUBJECT, Whose
from domain.customer.decider import present
from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.opportunity.commands import (
    AmendOpportunity,
    IdentifyOpportunityCustomer,
    LoseOpportunity,
    MoveOpportunity,
    OpenOpportunity,
    OpportunityCommand,
    ReopenOpportunity,
    WinOpportunity,
)
from domain.opportunity.facts import (
    OpportunityAmended,
    OpportunityCustomerIdentified,
    OpportunityFact,
    OpportunityLost,
    OpportunityMoved,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
    Stage,
)
from domain.partner.decider import active


class Status(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


DETAILS = OpportunityAmended.model_fields.keys()


@dataclass(frozen=True, slots=True)
class Opportunity:
    """What the rules need to know of an opportunity."""

    status: Status | None = None
    stage: Stage | None = None
    details: Details = NOTHING
    whose: Whose = OF_SUBJECT


UNKNOWN = Opportunity()


def decide(command: OpportunityCommand, opportunity: Opportunity) -> Sequence[OpportunityFact]:
    if isinstance(command, OpenOpportunity):
        if opportunity.status is not None:
            raise ExistsError(opportunity=command.opportunity_id)
        return [fact_of(OpportunityOpened, command, anonymous=command.customer_id is None)]
    if opportunity.status is None:
        raise UnknownError(opportunity=command.opportunity_id)
    match command:
        case AmendOpportunity():
            return changes(OpportunityAmended, command, opportunity.details)
        case MoveOpportunity():
            return _move(command, opportunity)
        case WinOpportunity() | LoseOpportunity():
            return _close(command, opportunity)
        case ReopenOpportunity(stage=stage):
            if opportunity.status is Status.OPEN:
                raise ConflictError("the opportunity is open already")
            return [OpportunityReopened(stage=stage)]
        case IdentifyOpportunityCustomer(customer_id=customer_id):
            news = opportunity.whose.would_learn(customer_id)
            return [OpportunityCustomerIdentified(customer_id=customer_id)] if news else []
        case _:
            assert_never(command)


def _require_open(opportunity: Opportunity) -> None:
    if opportunity.status is not Status.OPEN:
        raise ConflictError("the opportunity is closed; reopen it first", status=opportunity.status)


def _move(command: MoveOpportunity, opportunity: Opportunity) -> Sequence[OpportunityFact]:
    _require_open(opportunity)
    same_amount = command.amount is None or command.amount == dict(opportunity.details).get("amount")
    if command.stage is opportunity.stage and same_amount:
        return []
    return [OpportunityMoved(stage=command.stage, amount=command.amount)]


def _close(command: WinOpportunity | LoseOpportunity, opportunity: Opportunity) -> Sequence[OpportunityFact]:
    """The same end twice says nothing new; another end needs a reopening first."""
    match command:
        case WinOpportunity(amount=amount):
            if opportunity.status is Status.WON and dict(opportunity.details).get("amount") == amount:
                return []
            _require_open(opportunity)
            return [OpportunityWon(amount=amount)]
        case LoseOpportunity(reason=reason):
            if opportunity.status is Status.LOST:
                return []
            _require_open(opportunity)
            return [OpportunityLost(reason=reason)]
        case _:
            assert_never(command)


def evolve(opportunity: Opportunity, fact: OpportunityFact) -> Opportunity:
    details = learn(opportunity.details, fact, DETAILS)
    match fact:
        case OpportunityOpened(stage=stage, anonymous=anonymous):
            return Opportunity(Status.OPEN, stage, details, Whose(anonymous))
        case OpportunityMoved(stage=stage) | OpportunityReopened(stage=stage):
            return replace(opportunity, status=Status.OPEN, stage=stage, details=details)
        case OpportunityAmended():
            return replace(opportunity, details=details)
        case OpportunityWon():
            return replace(opportunity, status=Status.WON, details=details)
        case OpportunityLost():
            return replace(opportunity, status=Status.LOST)
        case OpportunityCustomerIdentified(customer_id=customer_id):
            return replace(opportunity, whose=Whose(opportunity.whose.anonymous, customer_id))
        case _:
            assert_never(fact)


opportunity = Decider("opportunity", UNKNOWN, decide, evolve, subject="customer_id")

ADDRESSED = Target(opportunity, "opportunity_id")
PLAIN = (MoveOpportunity, AmendOpportunity, WinOpportunity, LoseOpportunity, ReopenOpportunity)
REGISTRATIONS = (
    Registration(
        OpenOpportunity,
        (ADDRESSED, Target(present, "customer_id"), Target(active, "partner_id")),
        amended_by=AmendOpportunity,
    ),
    *(Registration(command, (ADDRESSED,)) for command in PLAIN),
    Registration(IdentifyOpportunityCustomer, (ADDRESSED, Target(present, "customer_id"))),
)
