"""Tickets: opened, assigned, worked on, waiting, resolved, reopened, closed."""

from __future__ import annotations

from collections.abc import Generator
from uuid import UUID

from adapters.simulation import words
from adapters.simulation.world import Customer, Step, Story, World
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
from domain.ticket.facts import Priority, TicketId

PRIORITIES = (Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.NORMAL, Priority.HIGH, Priority.URGENT)
CATEGORIES = ("delivery", "damage", "invoice", "spare part", "how to")
CHANNELS = ("email", "telephone", "chat", "website")
OUTCOMES = ("repaired", "replaced", "explained", "refunded")
ACTIVITIES = ("looked into it", "called back", "asked the supplier", "sent a spare part")


def _open(world: World, customer: Customer, *, anonymous: bool = False) -> OpenTicket:
    product = world.some_product()
    ticket_id = TicketId(world.new_id())
    customer.remember(ticket_id)
    return OpenTicket(
        ticket_id=ticket_id,
        customer_id=None if anonymous else customer.id,
        summary=words.complaint(world.rng, "somebody" if anonymous else customer.name, product.name),
        priority=world.rng.choice(PRIORITIES),
        category=world.rng.choice(CATEGORIES),
        channel=world.rng.choice(CHANNELS),
        product_id=product.id,
    )


def _take(world: World, ticket_id: TicketId, agent_id: UUID) -> Story:
    """An agent gets it and works on it."""
    yield world.later(0.01, 0.6)
    yield AssignTicket(ticket_id=ticket_id, agent_id=agent_id)
    yield world.later(0.01, 0.4)
    yield StartTicketWork(ticket_id=ticket_id, agent_id=agent_id)


def _finish(world: World, ticket_id: TicketId, agent_id: UUID) -> Story:
    yield world.later(0.05, 2)
    yield ResolveTicket(ticket_id=ticket_id, agent_id=agent_id, outcome=world.rng.choice(OUTCOMES))
    yield world.later(1, 6)
    yield CloseTicket(ticket_id=ticket_id, agent_id=agent_id)


def help_at_once(world: World, customer: Customer) -> Generator[Step, None, TicketId]:
    yield (ticket := _open(world, customer))
    yield from _help(world, ticket.ticket_id)
    return ticket.ticket_id


def _help(world: World, ticket_id: TicketId) -> Story:
    agent_id = world.agent()
    yield from _take(world, ticket_id, agent_id)
    yield from _finish(world, ticket_id, agent_id)


def help_in_steps(world: World, customer: Customer) -> Story:
    """It is graver than it seemed, and somebody else has to answer first."""
    yield (ticket := _open(world, customer))
    agent_id = world.agent()
    yield from _take(world, ticket.ticket_id, agent_id)
    yield SetTicketSeverity(
        ticket_id=ticket.ticket_id, severity=world.rng.choice(("S1", "S2", "S3")), agent_id=agent_id
    )
    content = f"{customer.name} was told what we know so far." if world.chance(0.7) else None
    yield NoteTicket(ticket_id=ticket.ticket_id, activity=world.rng.choice(ACTIVITIES), content=content,
                     agent_id=agent_id)  # fmt: skip
    yield WaitTicket(ticket_id=ticket.ticket_id, reason=world.rng.choice(("customer", "supplier")), agent_id=agent_id)
    yield world.later(1, 9)
    yield StartTicketWork(ticket_id=ticket.ticket_id, agent_id=agent_id)
    yield from _finish(world, ticket.ticket_id, agent_id)


def help_twice(world: World, customer: Customer) -> Story:
    """The first resolution doesn't last; another agent takes over."""
    ticket_id = yield from help_at_once(world, customer)
    yield world.later(2, 12)
    yield ReopenTicket(ticket_id=ticket_id, reason="it happened again")
    yield from _help(world, ticket_id)


def give_up(world: World, customer: Customer) -> Story:
    """Nothing more was heard, and it is closed without a resolution."""
    yield (ticket := _open(world, customer))
    agent_id = world.agent()
    yield from _take(world, ticket.ticket_id, agent_id)
    yield WaitTicket(ticket_id=ticket.ticket_id, reason="customer", agent_id=agent_id)
    yield world.later(10, 30)
    yield CloseTicket(ticket_id=ticket.ticket_id, agent_id=agent_id, outcome="no answer")


def help_a_stranger(world: World, customer: Customer) -> Story:
    """Somebody asks without saying who; the agent finds out."""
    yield (ticket := _open(world, customer, anonymous=True))
    agent_id = world.agent()
    yield from _take(world, ticket.ticket_id, agent_id)
    yield IdentifyTicketCustomer(ticket_id=ticket.ticket_id, customer_id=customer.id)
    yield from _finish(world, ticket.ticket_id, agent_id)


STORIES = ((help_at_once, 9), (help_in_steps, 6), (help_twice, 2), (give_up, 2), (help_a_stranger, 2))
"""What happens to tickets, and how often among the stories of a deck."""
