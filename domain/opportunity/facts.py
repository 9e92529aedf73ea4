"""What is remembered of an opportunity."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.customer.facts import CustomerId
from domain.fact import Fact
from domain.money import Money

OpportunityId = NewType("OpportunityId", UUID)


class Stage(StrEnum):
    """How far an open opportunity has come."""

    PROSPECTING = "prospecting"
    ENGAGING = "engaging"
    PROPOSAL = "proposal"
    NEGOTIATION = "negotiation"


class OpportunityOpened(Fact):
    """`anonymous`: nobody knew whose it is, so that it is its own subject until the customer is identified.

    `partner_id` passed it to us, if a partner did.
    """

    TYPE = "crm.opportunity.opened.v1"
    stage: Stage
    title: str | None = None
    seller_id: UUID | None = None
    product_id: UUID | None = None
    amount: Money | None = None
    source: str | None = None
    expected_close_on: date | None = None
    anonymous: bool = False
    partner_id: UUID | None = None


class OpportunityMoved(Fact):
    TYPE = "crm.opportunity.moved.v1"
    stage: Stage
    amount: Money | None = None


class OpportunityAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.opportunity.amended.v1"
    title: str | None = None
    seller_id: UUID | None = None
    product_id: UUID | None = None
    amount: Money | None = None
    expected_close_on: date | None = None


class OpportunityWon(Fact):
    TYPE = "crm.opportunity.won.v1"
    amount: Money


class OpportunityLost(Fact):
    TYPE = "crm.opportunity.lost.v1"
    reason: str | None = None


class OpportunityReopened(Fact):
    TYPE = "crm.opportunity.reopened.v1"
    stage: Stage


class OpportunityCustomerIdentified(Fact):
    """An anonymous opportunity's customer became known: an alias from the stream's subject."""

    TYPE = "crm.opportunity.customer_identified.v1"
    customer_id: CustomerId


OpportunityFact = (
    OpportunityOpened
    | OpportunityMoved
    | OpportunityAmended
    | OpportunityWon
    | OpportunityLost
    | OpportunityReopened
    | OpportunityCustomerIdentified
)
