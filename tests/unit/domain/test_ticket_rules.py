"""The rules for tickets."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.fact import Fact
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
    WaitTicket,
)
from domain.ticket.decider import UNKNOWN, evolve
from domain.ticket.facts import (
    Priority,
    Status,
    TicketAssigned,
    TicketClosed,
    TicketCustomerIdentified,
    TicketFact,
    TicketId,
    TicketNoted,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketSeveritySet,
    TicketWaiting,
    TicketWorkStarted,
)
from tests.given import given, seal

LEAK, ANA, RUI, AGENT = TicketId(UUID(int=1)), CustomerId(UUID(int=2)), CustomerId(UUID(int=3)), UUID(int=4)
OPENED, ANONYMOUS = TicketOpened(summary=seal("it leaks")), TicketOpened(anonymous=True)
RESOLVED, CLOSED, REOPENED = TicketResolved(outcome="repaired", agent_id=AGENT), TicketClosed(), TicketReopened()
ASSIGNED, STARTED = TicketAssigned(agent_id=AGENT), TicketWorkStarted(agent_id=AGENT)
WAITING = TicketWaiting(reason="spare part")
RESOLVE = ResolveTicket(ticket_id=LEAK, outcome="repaired", agent_id=AGENT)
IDENTIFY, IDENTIFIED = (
    IdentifyTicketCustomer(ticket_id=LEAK, customer_id=ANA),
    TicketCustomerIdentified(customer_id=ANA),
)
WORK: list[tuple[Command, TicketFact]] = [
    (AssignTicket(ticket_id=LEAK, agent_id=AGENT), ASSIGNED),
    (StartTicketWork(ticket_id=LEAK, agent_id=AGENT), STARTED),
    (WaitTicket(ticket_id=LEAK, reason="spare part"), WAITING),
]
STEPS: list[tuple[Command, TicketFact]] = [
    *WORK,
    (RESOLVE, RESOLVED),
    (SetTicketSeverity(ticket_id=LEAK, severity="grave"), TicketSeveritySet(severity="grave")),
    (SetTicketSeverity(ticket_id=LEAK), TicketSeveritySet()),
    (NoteTicket(ticket_id=LEAK, activity="upgrade"), TicketNoted(activity="upgrade")),
    (CloseTicket(ticket_id=LEAK), CLOSED),
]
each_work = pytest.mark.parametrize(("command", "fact"), WORK, ids=lambda step: type(step).__name__)
each_step = pytest.mark.parametrize(("command", "fact"), STEPS, ids=lambda step: type(step).__name__)


def test_a_ticket_is_opened_once_with_its_summary_sealed() -> None:
    open_ticket = OpenTicket(ticket_id=LEAK, customer_id=ANA, summary="it leaks")
    given().when(open_ticket).then(OPENED)
    given(OPENED).when(open_ticket).then_refused(ExistsError)


def test_a_ticket_without_a_customer_is_anonymous_and_as_urgent_as_said() -> None:
    open_ticket = OpenTicket(ticket_id=LEAK, priority=Priority.URGENT)
    given().when(open_ticket).then(TicketOpened(priority=Priority.URGENT, anonymous=True))


def test_everything_needs_an_opened_ticket() -> None:
    for command, _ in STEPS:
        given().when(command).then_refused(UnknownError)


@each_step
def test_what_happens_to_an_open_ticket_is_recorded_as_often_as_it_happens(command: Command, fact: Fact) -> None:
    given(OPENED).when(command).then(fact)
    given(OPENED, STARTED).when(command).then(fact)


@each_work
@pytest.mark.parametrize("end", [RESOLVED, CLOSED], ids=["resolved", "closed"])
def test_work_on_a_finished_ticket_reopens_it_first(command: Command, fact: Fact, end: Fact) -> None:
    given(OPENED, end).when(command).then(REOPENED, fact)


def test_another_resolution_is_recorded_and_reopens_only_a_closed_ticket() -> None:
    given(OPENED, RESOLVED).when(RESOLVE).then(RESOLVED)
    given(OPENED, RESOLVED, CLOSED).when(RESOLVE).then(REOPENED, RESOLVED)


def test_closing_twice_is_recorded_twice() -> None:
    close = CloseTicket(ticket_id=LEAK, agent_id=AGENT, outcome="replaced")
    given(OPENED, CLOSED).when(close).then(TicketClosed(agent_id=AGENT, outcome="replaced"))


def test_a_note_does_not_reopen_a_closed_ticket() -> None:
    note = NoteTicket(ticket_id=LEAK, content="says thank you")
    given(OPENED, CLOSED).when(note).then(TicketNoted(content=seal("says thank you")))


def test_a_note_says_something() -> None:
    given(OPENED).when(NoteTicket(ticket_id=LEAK, agent_id=AGENT)).then_refused(InvalidError)


def test_only_a_finished_ticket_is_reopened() -> None:
    reopen, reopened = ReopenTicket(ticket_id=LEAK, reason="leaks again"), TicketReopened(reason="leaks again")
    given(OPENED, RESOLVED).when(reopen).then(reopened)
    given(OPENED, CLOSED).when(reopen).then(reopened)
    given(OPENED, CLOSED, reopened).when(reopen).then_refused(ConflictError)


def test_an_anonymous_tickets_customer_is_identified_once() -> None:
    given(ANONYMOUS).when(IDENTIFY).then(IDENTIFIED)
    given(ANONYMOUS, IDENTIFIED).when(IDENTIFY).then()
    other = IdentifyTicketCustomer(ticket_id=LEAK, customer_id=RUI)
    given(ANONYMOUS, IDENTIFIED).when(other).then_refused(ConflictError)


def test_a_customers_ticket_is_nobody_elses() -> None:
    given(OPENED).when(IDENTIFY).then_refused(ConflictError)


def test_a_tickets_status_follows_what_happened() -> None:
    ticket, seen = UNKNOWN, []
    for fact in (OPENED, ASSIGNED, STARTED, WAITING, IDENTIFIED, RESOLVED, CLOSED, REOPENED):
        ticket = evolve(ticket, fact)
        seen.append(ticket.status)
    waiting = Status.WAITING
    first = [Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS, waiting, waiting]
    assert seen == [*first, Status.RESOLVED, Status.CLOSED, Status.NEW]
