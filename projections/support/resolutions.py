"""Resolutions: each one that was offered, by whom, and how long after the ticket was opened, or reopened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.ticket.facts import TicketAssigned, TicketOpened, TicketReopened, TicketResolved, TicketWorkStarted
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun


class Resolutions(NamedTuple):
    """A ticket's; the arrays run along its resolutions, and the view makes a row of each.

    `agent_id` has the ticket now: it counts as the resolver where the resolution names none.
    """

    ticket_id: UUID
    subject_id: UUID
    started_at: datetime
    agent_id: UUID | None = None
    category: str | None = None
    agent_ids: tuple[UUID | None, ...] = ()
    resolved_ats: tuple[datetime, ...] = ()
    durations_s: tuple[int, ...] = ()


ResolutionFact = TicketOpened | TicketAssigned | TicketWorkStarted | TicketReopened | TicketResolved


def evolve(row: Resolutions | None, event: Event) -> Resolutions:
    fact, at = cast("ResolutionFact", event.fact), event.occurred_at
    match fact:
        case TicketOpened(category=category):
            return Resolutions(event.stream_id, event.subject_id, at, category=category)
        case TicketAssigned() | TicketWorkStarted():
            return amend(begun(row, event), fact, ("agent_id",))
        case TicketReopened():
            return begun(row, event)._replace(started_at=at)
        case TicketResolved(agent_id=agent_id):
            return _resolve(begun(row, event), agent_id, at)
        case _:
            assert_never(fact)


def _resolve(row: Resolutions, agent_id: UUID | None, at: datetime) -> Resolutions:
    return row._replace(
        agent_ids=(*row.agent_ids, agent_id or row.agent_id),
        resolved_ats=(*row.resolved_ats, at),
        durations_s=(*row.durations_s, (at - row.started_at) // timedelta(seconds=1)),
    )


resolutions = ReadModel(
    name="resolutions",
    version=1,
    row=Resolutions,
    key=1,
    facts=get_args(ResolutionFact),
    keys=by_stream,
    evolve=evolve,
)
