"""What is remembered of a ticket."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.customer.facts import CustomerId
from domain.fact import Fact
from domain.personal import Sealed

TicketId = NewType("TicketId", UUID)


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Status(StrEnum):
    NEW = "new"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"


class TicketOpened(Fact):
    """`anonymous`: nobody knew who asked, so that it is its own subject until the customer is identified."""

    TYPE = "crm.ticket.opened.v1"
    summary: Sealed | None = None
    priority: Priority = Priority.NORMAL
    category: str | None = None
    channel: str | None = None
    product_id: UUID | None = None
    anonymous: bool = False


class TicketSeveritySet(Fact):
    TYPE = "crm.ticket.severity_set.v1"
    severity: str | None = None
    agent_id: UUID | None = None


class TicketAssigned(Fact):
    TYPE = "crm.ticket.assigned.v1"
    agent_id: UUID


class TicketWorkStarted(Fact):
    TYPE = "crm.ticket.work_started.v1"
    agent_id: UUID | None = None


class TicketWaiting(Fact):
    """Nothing can be done until the customer or a third party has answered."""

    TYPE = "crm.ticket.waiting.v1"
    reason: str | None = None
    agent_id: UUID | None = None


class TicketNoted(Fact):
    TYPE = "crm.ticket.noted.v1"
    activity: str | None = None
    content: Sealed | None = None
    agent_id: UUID | None = None


class TicketResolved(Fact):
    """May come more than once: each is a resolution that was offered; by a partner's service, with `partner_id`."""

    TYPE = "crm.ticket.resolved.v1"
    outcome: str | None = None
    agent_id: UUID | None = None
    partner_id: UUID | None = None


class TicketReopened(Fact):
    TYPE = "crm.ticket.reopened.v1"
    reason: str | None = None


class TicketClosed(Fact):
    TYPE = "crm.ticket.closed.v1"
    agent_id: UUID | None = None
    outcome: str | None = None


class TicketCustomerIdentified(Fact):
    """An anonymous ticket's customer became known: an alias from the stream's subject."""

    TYPE = "crm.ticket.customer_identified.v1"
    customer_id: CustomerId


TicketFact = (
    TicketOpened
    | TicketSeveritySet
    | TicketAssigned
    | TicketWorkStarted
    | TicketWaiting
    | TicketNoted
    | TicketResolved
    | TicketReopened
    | TicketClosed
    | TicketCustomerIdentified
)

STATUS_AFTER: dict[type[TicketFact], Status] = {
    TicketOpened: Status.NEW,
    TicketReopened: Status.NEW,
    TicketAssigned: Status.ASSIGNED,
    TicketWorkStarted: Status.IN_PROGRESS,
    TicketWaiting: Status.WAITING,
    TicketResolved: Status.RESOLVED,
    TicketClosed: Status.CLOSED,
}
