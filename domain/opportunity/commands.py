"""What can be ordered about an opportunity."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.money import Money
from domain.opportunity.facts import OpportunityId, Stage
from domain.text import Label


class ForOpportunity(Command):
    opportunity_id: OpportunityId


class OpportunityDetails(ForOpportunity):
    """The fields that opening and amending share."""

    title: Label | None = None
    seller_id: UUID | None = None
    product_id: UUID | None = None
    amount: Money | None = None
    expected_close_on: date | None = None


class OpenOpportunity(OpportunityDetails):
    """A sale may come; without a customer it is anonymous until one is identified. `partner_id` passed it to us."""

    NAME = "opportunity.open"
    customer_id: CustomerId | None = None
    stage: Stage = Stage.PROSPECTING
    source: Label | None = None
    partner_id: UUID | None = None


class MoveOpportunity(ForOpportunity):
    """Puts an open opportunity at another stage."""

    NAME = "opportunity.move"
    stage: Stage
    amount: Money | None = None


class AmendOpportunity(OpportunityDetails):
    """Changes the fields that are given."""

    NAME = "opportunity.amend"


class WinOpportunity(ForOpportunity):
    """The sale came, for this amount."""

    NAME = "opportunity.win"
    amount: Money


class LoseOpportunity(ForOpportunity):
    """The sale did not come."""

    NAME = "opportunity.lose"
    reason: Label | None = None


class ReopenOpportunity(ForOpportunity):
    """Takes a won or lost opportunity up again."""

    NAME = "opportunity.reopen"
    stage: Stage = Stage.ENGAGING


class IdentifyOpportunityCustomer(ForOpportunity):
    """Says which customer an anonymous opportunity concerns."""

    NAME = "opportunity.identify_customer"
    customer_id: CustomerId


OpportunityCommand = (
    OpenOpportunity
    | MoveOpportunity
    | AmendOpportunity
    | WinOpportunity
    | LoseOpportunity
    | ReopenOpportunity
    | IdentifyOpportunityCustomer
)
