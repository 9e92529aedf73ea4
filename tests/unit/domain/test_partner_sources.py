"""What a partner passed to us, or did for us, names it."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.catalogue import REGISTRY
from domain.customer.commands import RegisterCustomer
from domain.customer.facts import CustomerId, CustomerRegistered, Kind
from domain.customer.facts import Stage as CustomerStage
from domain.decider import Target
from domain.opportunity.commands import OpenOpportunity
from domain.opportunity.facts import OpportunityId, OpportunityOpened, Stage
from domain.partner.decider import active
from domain.ticket.commands import ResolveTicket
from domain.ticket.facts import TicketId, TicketOpened, TicketResolved
from tests.given import given

NORTH, ANA, DEAL, TICKET = UUID(int=1), CustomerId(UUID(int=2)), OpportunityId(UUID(int=3)), TicketId(UUID(int=4))
NAMING = ("customer.register", "opportunity.open", "order.ship", "product.report_availability", "ticket.resolve",
          "territory.assign_partner")  # fmt: skip


def test_a_lead_is_a_customer_or_an_opportunity_that_a_partner_passed() -> None:
    registered = CustomerRegistered(kind=Kind.PERSON, stage=CustomerStage.PROSPECT, partner_id=NORTH)
    given().when(RegisterCustomer(customer_id=ANA, partner_id=NORTH)).then(registered)
    opened = OpportunityOpened(stage=Stage.PROSPECTING, partner_id=NORTH)
    given().when(OpenOpportunity(opportunity_id=DEAL, customer_id=ANA, partner_id=NORTH)).then(opened)


def test_a_service_is_done_when_the_ticket_is_resolved_by_a_partner() -> None:
    resolve = ResolveTicket(ticket_id=TICKET, outcome="a new bulb", partner_id=NORTH)
    given(TicketOpened()).when(resolve).then(TicketResolved(outcome="a new bulb", partner_id=NORTH))


@pytest.mark.parametrize("name", NAMING)
def test_a_command_that_names_a_partner_needs_one_who_is_still_ours(name: str) -> None:
    assert Target(active, "partner_id") in REGISTRY.named(name).targets
