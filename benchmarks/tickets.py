"""The work that both sides do: a note on one of a thousand open tickets, with a personal field and a plain one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from random import Random
from uuid import UUID

from adapters.http.executing import Callers
from adapters.http.workers import Workers
from adapters.ids import uuid7
from benchmarks.crowd import AsyncWork, Work
from benchmarks.stock import Desk
from domain.customer.commands import RegisterCustomer
from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.decision import Context
from domain.errors import RefusedError
from domain.execute import Executor
from domain.ticket.commands import NoteTicket, OpenTicket
from domain.ticket.facts import TicketId

TICKETS = 1_000
ACTIVITY = "called back"
CONTENT = "The customer asked about the invoice of October and will call again; the amount seems wrong to them."


def context() -> Context:
    return Context(uuid7(), "bench")


def give_all(executor: Executor, commands: Sequence[Command]) -> None:
    for verdict in executor.execute_all([(command, context()) for command in commands]):
        if isinstance(verdict, RefusedError):
            raise verdict


def open_ours(executor: Executor, count: int = TICKETS) -> list[TicketId]:
    customers = [CustomerId(uuid7()) for _ in range(count)]
    tickets = [TicketId(uuid7()) for _ in range(count)]
    give_all(executor, [RegisterCustomer(customer_id=customer_id, name="Ana Lúcia") for customer_id in customers])
    pairs = zip(tickets, customers, strict=True)
    give_all(executor, [OpenTicket(ticket_id=t, customer_id=c, summary="No invoice came") for t, c in pairs])
    return tickets


def open_stock(desk: Desk, count: int = TICKETS) -> list[UUID]:
    return [desk.open(uuid7(), "No invoice came") for _ in range(count)]


def share(ids: Sequence[UUID], caller: int, callers: int) -> Callable[[], UUID]:
    """A caller's own tickets, in an order of its own: on neither side do callers get into each other's way."""
    own = list(ids[caller::callers])
    Random(caller).shuffle(own)
    turns = cycle(own)
    return lambda: next(turns)


def note_ours(executor: Executor, tickets: Sequence[TicketId], callers: int) -> Callable[[int], Work]:
    def work_of(caller: int) -> Work:
        choose = share(tickets, caller, callers)
        return lambda: executor.execute(
            NoteTicket(ticket_id=TicketId(choose()), activity=ACTIVITY, content=CONTENT), context()
        )

    return work_of


def note_ours_async(executor: Executor, tickets: Sequence[TicketId], callers: int) -> Callable[[int], AsyncWork]:
    given = Callers(executor, Workers(callers))

    def work_of(caller: int) -> AsyncWork:
        choose = share(tickets, caller, callers)
        return lambda: given.execute(
            NoteTicket(ticket_id=TicketId(choose()), activity=ACTIVITY, content=CONTENT), context()
        )

    return work_of


def note_stock(desk: Desk, tickets: Sequence[UUID], callers: int) -> Callable[[int], Work]:
    def work_of(caller: int) -> Work:
        choose = share(tickets, caller, callers)
        return lambda: desk.note(choose(), ACTIVITY, CONTENT)

    return work_of
