"""A service that a partner did for a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from domain.decider import Command
from domain.text import Label, Text
from domain.ticket.commands import NoteTicket, ResolveTicket
from domain.ticket.facts import TicketId
from streams.inbound.concerning import Concerned, Question
from streams.inbound.kind import EXAMPLE_ID, EventData, Inbound, Sender


class ServiceDone(EventData):
    """`ticket_id` is the `stream` under which the feed shows the ticket; `note` is kept sealed, as the customer's."""

    ticket_id: UUID
    outcome: Label | None = None
    note: Text | None = None


def ask(data: ServiceDone) -> Question:
    return Question("ticket", data.ticket_id)


def order(data: ServiceDone, _: Concerned, sender: Sender) -> Iterator[Command]:
    ticket_id = TicketId(data.ticket_id)
    yield ResolveTicket(ticket_id=ticket_id, outcome=data.outcome, partner_id=sender.partner_id)
    if data.note is not None:
        yield NoteTicket(ticket_id=ticket_id, content=data.note)


EXAMPLE = ServiceDone(ticket_id=EXAMPLE_ID, outcome="repaired", note="The castor was replaced on the spot.")
SERVICE_DONE = Inbound("partner.service_done.v1", ServiceDone, ask, order, EXAMPLE)
