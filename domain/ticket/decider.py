"""The rules for tickets: real histories are messy, so that what happened is recorded, with the reopening it implies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.anonymous import OF_SUBJECT, Whose
from domain.customer.decider import present
from domain.decider import Decider, Registration, Target
from domain.details import fact_of
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.partner.decider import active
from domain.ticket.commands import (
    AssignTicket,
    CloseTicket,
    IdentifyTicketCustomer,
    NoteTicket,
    OpenTicket,
    ReopenTicket,
    ResolveTicket,
    SetTicketSeverity,
    StartTicketWork,
    TicketCommand,
    TicketStep,
    WaitTicket,
)
from domain.ticket.facts import (
    STATUS_AFTER,
    Status,
    TicketAssigned,
    TicketClosed,
    TicketCustomerIdentified,
    TicketFact,
    TicketNoted,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketSeveritySet,
    TicketWaiting,
    TicketWorkStarted,
)

FINISHED = (Status.RESOLVED, Status.CLOSED)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the rules need to know of a ticket."""

    status: Status | None = None
    whose: Whose = OF_SUBJECT


UNKNOWN = Ticket()


def decide(command: TicketCommand, ticket: Ticket) -> Sequence[TicketFact]:
    if isinstance(command, OpenTicket):
        if ticket.status is not None:
            raise ExistsError(ticket=command.ticket_id)
        return [fact_of(TicketOpened, command, anonymous=command.customer_id is None)]
    if ticket.status is None:
        raise UnknownError(ticket=command.ticket_id)
    match command:
        case AssignTicket() | StartTicketWork() | WaitTicket() | ResolveTicket():
            return [*_reopen_for(command, ticket), _step(command)]
        case SetTicketSeverity():
            return [fact_of(TicketSeveritySet, command)]
        case NoteTicket():
            return [_note(command)]
        case CloseTicket():
            return [fact_of(TicketClosed, command)]
        case ReopenTicket(reason=reason):
            if ticket.status not in FINISHED:
                raise ConflictError("the ticket is open already", status=ticket.status)
            return [TicketReopened(reason=reason)]
        case IdentifyTicketCustomer(customer_id=customer_id):
            news = ticket.whose.would_learn(customer_id)
            return [TicketCustomerIdentified(customer_id=customer_id)] if news else []
        case _:
            assert_never(command)


def _reopen_for(step: TicketStep, ticket: Ticket) -> Sequence[TicketFact]:
    finished = (Status.CLOSED,) if isinstance(step, ResolveTicket) else FINISHED
    return [TicketReopened()] if ticket.status in finished else []


def _step(step: TicketStep) -> TicketFact:
    match step:
        case AssignTicket():
            return fact_of(TicketAssigned, step)
        case StartTicketWork():
            return fact_of(TicketWorkStarted, step)
        case WaitTicket():
            return fact_of(TicketWaiting, step)
        case ResolveTicket():
            return fact_of(TicketResolved, step)
        case _:
            assert_never(step)


def _note(command: NoteTicket) -> TicketNoted:
    if command.activity is None and command.content is None:
        raise InvalidError("give an activity, a content, or both")
    return fact_of(TicketNoted, command)


def evolve(ticket: Ticket, fact: TicketFact) -> Ticket:
    match fact:
        case TicketOpened(anonymous=anonymous):
            return Ticket(STATUS_AFTER[TicketOpened], Whose(anonymous))
        case TicketCustomerIdentified(customer_id=customer_id):
            return replace(ticket, whose=Whose(ticket.whose.anonymous, customer_id))
        case TicketSeveritySet() | TicketNoted():
            return ticket
        case (
            TicketAssigned()
            | TicketWorkStarted()
            | TicketWaiting()
            | TicketResolved()
            | TicketReopened()
            | TicketClosed()
        ):
            return replace(ticket, status=STATUS_AFTER[type(fact)])
        case _:
            assert_never(fact)


ticket = Decider("ticket", UNKNOWN, decide, evolve, subject="customer_id")

ADDRESSED = Target(ticket, "ticket_id")
PLAIN = (
    SetTicketSeverity,
    AssignTicket,
    StartTicketWork,
    WaitTicket,
    NoteTicket,
    ReopenTicket,
    CloseTicket,
)
REGISTRATIONS = (
    Registration(OpenTicket, (ADDRESSED, Target(present, "customer_id"))),
    *(Registration(command, (ADDRESSED,)) for command in PLAIN),
    Registration(ResolveTicket, (ADDRESSED, Target(active, "partner_id"))),
    Registration(IdentifyTicketCustomer, (ADDRESSED, Target(present, "customer_id"))),
)
