"""What can be ordered about a ticket."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.personal import Personal
from domain.text import Content, Label
from domain.ticket.facts import Priority, TicketId


class ForTicket(Command):
    ticket_id: TicketId


class OpenTicket(ForTicket):
    """A customer needs help; without a customer it is anonymous until one is identified."""

    NAME = "ticket.open"
    customer_id: CustomerId | None = None
    summary: Annotated[Content | None, Personal()] = None
    priority: Priority = Priority.NORMAL
    category: Label | None = None
    channel: Label | None = None
    product_id: UUID | None = None


class SetTicketSeverity(ForTicket):
    """Says how grave it is, in the company's own words; without `severity` that is open again."""

    NAME = "ticket.set_severity"
    severity: Label | None = None
    agent_id: UUID | None = None


class AssignTicket(ForTicket):
    """Gives the ticket to an agent; reopens it when it was resolved or closed."""

    NAME = "ticket.assign"
    agent_id: UUID


class StartTicketWork(ForTicket):
    """Somebody works on it; reopens it when it was resolved or closed."""

    NAME = "ticket.start_work"
    agent_id: UUID | None = None


class WaitTicket(ForTicket):
    """It waits for the customer or a third party; reopens it when it was resolved or closed."""

    NAME = "ticket.wait"
    reason: Label | None = None
    agent_id: UUID | None = None


class NoteTicket(ForTicket):
    """Keeps what was done (`activity`, readable) or said (`content`, sealed); at least one of them."""

    NAME = "ticket.note"
    activity: Label | None = None
    content: Annotated[Content | None, Personal()] = None
    agent_id: UUID | None = None


class ResolveTicket(ForTicket):
    """Offers a resolution, again if the last one did not help; reopens it when it was closed.

    `partner_id` did the service, if it was a partner.
    """

    NAME = "ticket.resolve"
    outcome: Label | None = None
    agent_id: UUID | None = None
    partner_id: UUID | None = None


class ReopenTicket(ForTicket):
    """Takes a resolved or closed ticket up again."""

    NAME = "ticket.reopen"
    reason: Label | None = None


class CloseTicket(ForTicket):
    """The customer has what they need, or nothing more will come of it."""

    NAME = "ticket.close"
    agent_id: UUID | None = None
    outcome: Label | None = None


class IdentifyTicketCustomer(ForTicket):
    """Says which customer an anonymous ticket concerns."""

    NAME = "ticket.identify_customer"
    customer_id: CustomerId


TicketStep = AssignTicket | StartTicketWork | WaitTicket | ResolveTicket
TicketCommand = (
    OpenTicket | SetTicketSeverity | TicketStep | NoteTicket | ReopenTicket | CloseTicket | IdentifyTicketCustomer
)
