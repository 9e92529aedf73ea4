"""Tickets: what customers wait for, who has it, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.personal import Sealed
from domain.ticket.facts import (
    STATUS_AFTER,
    Status,
    TicketAssigned,
    TicketClosed,
    TicketNoted,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketSeveritySet,
    TicketWaiting,
    TicketWorkStarted,
)
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun


class Ticket(NamedTuple):
    """Times are of the first assignment, the first response (work, wait, note or resolution), the last resolution and
    the closing; a reopening takes the last two back. `agent_id` is whom it was given to, or who took it.
    """

    ticket_id: UUID
    subject_id: UUID
    status: str
    priority: str
    opened_at: datetime
    changed_at: datetime
    assigned_at: datetime | None = None
    first_response_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    resolutions: int = 0
    reopenings: int = 0
    severity: str | None = None
    category: str | None = None
    channel: str | None = None
    agent_id: UUID | None = None
    product_id: UUID | None = None
    outcome: str | None = None
    summary: Sealed | None = None


Response = TicketWorkStarted | TicketWaiting | TicketNoted | TicketResolved
Later = TicketAssigned | TicketSeveritySet | Response | TicketReopened | TicketClosed
DETAILS = ("category", "channel", "product_id", "summary")


def evolve(row: Ticket | None, event: Event) -> Ticket:
    fact, at = cast("TicketOpened | Later", event.fact), event.occurred_at
    if isinstance(fact, TicketOpened):
        opened = Ticket(event.stream_id, event.subject_id, Status.NEW, fact.priority, opened_at=at, changed_at=at)
        return amend(opened, fact, DETAILS)
    return _go_on(_turn(begun(row, event), fact, at), fact, at)


def _turn(row: Ticket, fact: Later, at: datetime) -> Ticket:
    """The status that the fact leads to, if it does."""
    if isinstance(fact, (TicketSeveritySet, TicketNoted)):
        return row
    status = STATUS_AFTER[type(fact)]
    return row if status == row.status else row._replace(status=status, changed_at=at)


def _go_on(row: Ticket, fact: Later, at: datetime) -> Ticket:
    match fact:
        case TicketSeveritySet(severity=severity):
            return row._replace(severity=severity)
        case TicketAssigned(agent_id=agent_id):
            return row._replace(agent_id=agent_id, assigned_at=row.assigned_at or at)
        case TicketWorkStarted():
            return _respond(amend(row, fact, ("agent_id",)), at)
        case TicketWaiting() | TicketNoted():
            return _respond(row, at)
        case TicketResolved(outcome=outcome):
            resolved = row._replace(resolved_at=at, resolutions=row.resolutions + 1, outcome=outcome or row.outcome)
            return _respond(resolved, at)
        case TicketReopened():
            return row._replace(resolved_at=None, closed_at=None, reopenings=row.reopenings + 1)
        case TicketClosed(outcome=outcome):
            return row._replace(closed_at=row.closed_at or at, outcome=outcome or row.outcome)
        case _:
            assert_never(fact)


def _respond(row: Ticket, at: datetime) -> Ticket:
    return row if row.first_response_at else row._replace(first_response_at=at)


tickets = ReadModel(
    name="tickets",
    version=1,
    row=Ticket,
    key=1,
    facts=(TicketOpened, *get_args(Later)),
    keys=by_stream,
    evolve=evolve,
)
