"""The rows of support: tickets and resolutions."""

from __future__ import annotations

import pytest

from domain.ticket.facts import (
    Priority,
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
from projections.rows import RowMissingError
from projections.support.resolutions import resolutions
from projections.support.tickets import tickets
from tests.given import seal
from tests.unit.projections.folding import AGENT, OTHER_AGENT, after, event_of, fold

OPENED = TicketOpened(summary=seal("broken"), priority=Priority.HIGH, category="hardware")


def test_a_new_ticket_waits_for_everything() -> None:
    row = fold(tickets, OPENED, TicketSeveritySet(severity="grave"))
    assert (row.status, row.priority, row.severity, row.category, row.summary) == (
        "new",
        "high",
        "grave",
        "hardware",
        seal("broken"),
    )
    assert (row.assigned_at, row.first_response_at, row.resolved_at, row.closed_at) == (None, None, None, None)


def test_a_severity_can_be_taken_back() -> None:
    assert fold(tickets, OPENED, TicketSeveritySet(severity="grave"), TicketSeveritySet()).severity is None


def test_the_first_assignment_and_the_first_response_are_kept() -> None:
    row = fold(tickets, OPENED, TicketAssigned(agent_id=AGENT), TicketNoted(activity="called"),
               TicketAssigned(agent_id=OTHER_AGENT), TicketWorkStarted())  # fmt: skip
    assert (row.status, row.agent_id, row.assigned_at, row.first_response_at) == (
        "in_progress",
        OTHER_AGENT,
        after(1),
        after(2),
    )
    assert row.changed_at == after(4)


def test_who_starts_to_work_has_the_ticket() -> None:
    assert fold(tickets, OPENED, TicketWorkStarted(agent_id=AGENT)).agent_id == AGENT


def test_a_ticket_resolved_twice_counts_both_and_has_been_resolved_since_the_first_change() -> None:
    row = fold(tickets, OPENED, TicketResolved(outcome="restart"), TicketResolved(), TicketClosed(), TicketClosed())
    assert (row.resolutions, row.resolved_at, row.closed_at, row.outcome) == (2, after(2), after(3), "restart")
    assert (row.status, row.changed_at, row.first_response_at) == ("closed", after(3), after(1))


def test_a_reopened_ticket_is_open_again() -> None:
    row = fold(tickets, OPENED, TicketResolved(), TicketClosed(), TicketReopened(), TicketWaiting())
    assert (row.status, row.resolved_at, row.closed_at, row.reopenings) == ("waiting", None, None, 1)


def test_a_resolution_is_the_agents_who_is_named_or_else_has_the_ticket() -> None:
    row = fold(
        resolutions, OPENED, TicketAssigned(agent_id=AGENT), TicketResolved(), TicketResolved(agent_id=OTHER_AGENT)
    )
    assert row.agent_ids == (AGENT, OTHER_AGENT)
    assert (row.durations_s, row.resolved_ats) == ((120, 180), (after(2), after(3)))


def test_after_a_reopening_the_time_runs_from_there() -> None:
    row = fold(resolutions, OPENED, TicketResolved(), TicketReopened(), TicketResolved())
    assert (row.durations_s, row.agent_ids) == ((60, 60), (None, None))


def test_a_fact_of_a_ticket_that_was_never_opened_raises_so_that_it_is_parked() -> None:
    for model in (tickets, resolutions):
        with pytest.raises(RowMissingError):
            model.evolve(None, event_of(TicketResolved()))
