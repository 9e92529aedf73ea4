"""SLA at risk: open tickets that have used up most of the time that their priority allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.event import Origin
from domain.ticket.facts import (
    Priority,
    TicketAssigned,
    TicketClosed,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketWaiting,
    TicketWorkStarted,
)
from streams.shares import Share
from streams.windows.alerts import Raised, SlaAtRisk, raised
from streams.windows.rules import Rules
from streams.windows.window import Row

PRIORITIES = {str(priority): priority for priority in Priority}
ENDED = {TicketResolved.TYPE, TicketClosed.TYPE}
BEGINS = {TicketOpened.TYPE, TicketReopened.TYPE}
GOES_ON = {TicketAssigned.TYPE, TicketWorkStarted.TYPE}


@dataclass(slots=True)
class Ticket:
    """`cause`: the fact that opened it last. While it waits for others, or is done, no time runs (`since` is None).

    It leaves when its first fact, `known_at`, is older than what is kept: who starts anew does not know it either.
    """

    id: UUID
    subject_id: UUID
    priority: Priority
    category: str | None
    product_id: str | None
    known_at: datetime
    agent_id: str | None = None
    cause: UUID | None = None
    opened_at: datetime | None = None
    since: datetime | None = None
    spent: timedelta = timedelta()
    is_told: bool = False


class Sla:
    """A ticket that was imported is nobody's risk until somebody reopens it here."""

    name, department, key = "sla-at-risk", "support", "ticket_id"
    types = frozenset({*BEGINS, *GOES_ON, *ENDED, TicketWaiting.TYPE})

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._tickets: dict[UUID, Ticket] = {}

    def take(self, share: Share) -> Iterator[Raised]:
        if share.type == TicketOpened.TYPE:
            self._tickets[share.stream_id] = _opened(share)
        elif (known := self._tickets.get(share.stream_id)) is None:
            return
        else:
            yield from self._judge_one(known, share.recorded_at)
        ticket = self._tickets[share.stream_id]
        ticket.agent_id = share.content.get("agent_id", ticket.agent_id)
        _move(ticket, share)

    def judge(self, until: datetime) -> Iterator[Raised]:
        oldest = until - self._rules.kept
        for ticket in list(self._tickets.values()):
            if ticket.known_at <= oldest:
                del self._tickets[ticket.id]
            else:
                yield from self._judge_one(ticket, until)

    def rows(self, now: datetime) -> Iterator[Row]:
        for ticket in self._tickets.values():
            if (at := self._at_risk_at(ticket)) and at <= now:
                columns = ("subject_id", "priority", "category", "product_id", "agent_id", "opened_at")
                row = {name: getattr(ticket, name) for name in columns}
                yield {"ticket_id": ticket.id, **row, "due_at": self._due_at(ticket)}

    def _judge_one(self, ticket: Ticket, until: datetime) -> Iterator[Raised]:
        at = self._at_risk_at(ticket)
        if ticket.is_told or at is None or at > until:
            return
        ticket.is_told = True
        content: dict[str, Any] = {
            "ticket_id": ticket.id,
            "priority": ticket.priority,
            "opened_at": ticket.opened_at,
            "due_at": self._due_at(ticket),
            "category": ticket.category,
            "product_id": ticket.product_id,
            "agent_id": ticket.agent_id,
        }
        yield raised(ticket.subject_id, at, SlaAtRisk(**content), ticket.cause)

    def _at_risk_at(self, ticket: Ticket) -> datetime | None:
        return self._when_spent(ticket, self._rules.at_risk_from)

    def _due_at(self, ticket: Ticket) -> datetime | None:
        return self._when_spent(ticket, 1)

    def _when_spent(self, ticket: Ticket, part: float) -> datetime | None:
        if ticket.since is None:
            return None
        allowed = self._rules.targets[ticket.priority] * part
        return ticket.since + max(timedelta(), allowed - ticket.spent)


def _opened(share: Share) -> Ticket:
    content = share.content
    priority = PRIORITIES.get(content.get("priority", ""), Priority.NORMAL)  # a newer release may know more
    product_id, category = content.get("product_id"), content.get("category")
    return Ticket(share.stream_id, share.subject_id, priority, category, product_id, share.recorded_at)


def _move(ticket: Ticket, share: Share) -> None:
    at = share.recorded_at
    if share.type in BEGINS and share.origin != Origin.IMPORT:
        ticket.cause, ticket.opened_at, ticket.since = share.event_id, at, at
        ticket.spent, ticket.is_told = timedelta(), False
    elif share.type in ENDED:
        ticket.since = ticket.cause = None
    elif share.type == TicketWaiting.TYPE and ticket.since:
        ticket.spent, ticket.since = ticket.spent + (at - ticket.since), None
    elif share.type in GOES_ON and ticket.cause and ticket.since is None:
        ticket.since = at
