"""The rules for opportunities."""

from __future__ import annotations

from uuid import UUID

from domain.customer.facts import CustomerId
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.money import Money
from domain.opportunity.commands import (
    AmendOpportunity,
    IdentifyOpportunityCustomer,
    LoseOpportunity,
    MoveOpportunity,
    OpenOpportunity,
    ReopenOpportunity,
    WinOpportunity,
)
from domain.opportunity.facts import (
    OpportunityAmended,
    OpportunityCustomerIdentified,
    OpportunityId,
    OpportunityLost,
    OpportunityMoved,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
    Stage,
)
from tests.given import given

DEAL, ANA, RUI = OpportunityId(UUID(int=1)), CustomerId(UUID(int=2)), CustomerId(UUID(int=3))
HUNDRED, NINETY = Money(amount_minor=100_00, currency="EUR"), Money(amount_minor=90_00, currency="EUR")

OPENED = OpportunityOpened(stage=Stage.PROSPECTING, title="Machines", amount=HUNDRED)
ANONYMOUS = OpportunityOpened(stage=Stage.PROSPECTING, anonymous=True)
WON, LOST = OpportunityWon(amount=NINETY), OpportunityLost(reason="price")
WIN, LOSE = WinOpportunity(opportunity_id=DEAL, amount=NINETY), LoseOpportunity(opportunity_id=DEAL, reason="price")
IDENTIFY = IdentifyOpportunityCustomer(opportunity_id=DEAL, customer_id=ANA)
IDENTIFIED = OpportunityCustomerIdentified(customer_id=ANA)


def test_an_opportunity_is_opened_once() -> None:
    open_deal = OpenOpportunity(opportunity_id=DEAL, customer_id=ANA, title="Machines", amount=HUNDRED)
    given().when(open_deal).then(OPENED)
    given(OPENED).when(open_deal).then_refused(ExistsError)


def test_an_opportunity_without_a_customer_is_anonymous() -> None:
    given().when(OpenOpportunity(opportunity_id=DEAL)).then(ANONYMOUS)


def test_an_anonymous_opportunitys_customer_is_identified_once() -> None:
    given(ANONYMOUS).when(IDENTIFY).then(IDENTIFIED)
    given(ANONYMOUS, IDENTIFIED).when(IDENTIFY).then()
    other = IdentifyOpportunityCustomer(opportunity_id=DEAL, customer_id=RUI)
    given(ANONYMOUS, IDENTIFIED).when(other).then_refused(ConflictError)


def test_a_customers_opportunity_is_nobody_elses() -> None:
    given(OPENED).when(IDENTIFY).then_refused(ConflictError)


def test_an_opportunity_moves_when_the_stage_or_the_amount_differs() -> None:
    move = MoveOpportunity(opportunity_id=DEAL, stage=Stage.PROPOSAL)
    same_stage = MoveOpportunity(opportunity_id=DEAL, stage=Stage.PROPOSAL, amount=NINETY)
    moved = OpportunityMoved(stage=Stage.PROPOSAL)
    given(OPENED).when(move).then(moved)
    given(OPENED, moved).when(move).then()
    given(OPENED, moved).when(same_stage).then(OpportunityMoved(stage=Stage.PROPOSAL, amount=NINETY))


def test_amending_keeps_only_what_differs() -> None:
    amend = AmendOpportunity(opportunity_id=DEAL, title="Machines", amount=NINETY)
    given(OPENED).when(amend).then(OpportunityAmended(amount=NINETY))
    given(OPENED, OpportunityMoved(stage=Stage.PROPOSAL, amount=NINETY)).when(amend).then()


def test_an_opportunity_is_won_or_lost() -> None:
    given(OPENED).when(WIN).then(WON)
    given(OPENED).when(LOSE).then(LOST)


def test_the_same_end_again_says_nothing_new() -> None:
    given(OPENED, WON).when(WIN).then()
    given(OPENED, LOST).when(LOSE).then()


def test_another_end_needs_a_reopening_first() -> None:
    given(OPENED, WON).when(LOSE).then_refused(ConflictError)
    given(OPENED, LOST).when(WIN).then_refused(ConflictError)
    given(OPENED, WON).when(WinOpportunity(opportunity_id=DEAL, amount=HUNDRED)).then_refused(ConflictError)
    reopened = OpportunityReopened(stage=Stage.ENGAGING)
    given(OPENED, LOST).when(ReopenOpportunity(opportunity_id=DEAL)).then(reopened)
    given(OPENED, LOST, reopened).when(WIN).then(WON)


def test_a_closed_opportunity_does_not_move_and_an_open_one_is_not_reopened() -> None:
    move = MoveOpportunity(opportunity_id=DEAL, stage=Stage.PROPOSAL)
    given(OPENED, WON).when(move).then_refused(ConflictError)
    given(OPENED).when(ReopenOpportunity(opportunity_id=DEAL)).then_refused(ConflictError)


def test_nothing_happens_to_an_opportunity_nobody_opened() -> None:
    given().when(WIN).then_refused(UnknownError)
