"""Coroutines' commands: the short way where it goes, the long one where it does not, and never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from adapters.http.errors import OverloadedError
from adapters.http.executing import Callers
from adapters.http.workers import Workers
from adapters.ids import uuid7
from domain.errors import OutcomeUnknownError, RepeatedError, UnknownError
from domain.execute import Context, Outcome
from domain.ports import Append, Place
from tests.world import WatchedLedger, World, fresh, order


class SilentLedger(WatchedLedger):
    """Takes what is submitted and never answers."""

    def submit(
        self, append: Append, notify: Callable[[], None], *, timeout_s: float = 30.0
    ) -> Callable[[], Sequence[Place]]:
        del append, notify, timeout_s

        def unknown() -> Sequence[Place]:
            raise OutcomeUnknownError

        return unknown


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


def give(world: World, workers: Workers, name: str, context: Context | None = None, /, **fields: Any) -> Outcome:
    return asyncio.run(Callers(world.here, workers).execute(order(name, **fields), context or fresh()))


def test_both_ways_answer_the_same(workers: Workers) -> None:
    world, customer_id = World(), uuid7()
    for n, need in enumerate(("roof", "wall"), 2):
        if n == 2:
            assert give(world, workers, "customer.register", customer_id=customer_id, name="Ana").version == 1
        assert give(world, workers, "customer.note_need", customer_id=customer_id, need=need).version == n
    with pytest.raises(UnknownError):
        give(world, workers, "customer.note_need", customer_id=uuid7(), need="roof")
    assert workers.pending == 0


def test_a_repeat_is_found_and_another_content_under_its_id_refused(workers: Workers) -> None:
    world = World()
    customer_id, context = world.customer(), fresh()
    first = give(world, workers, "customer.note_need", context, customer_id=customer_id, need="roof")
    again = give(world, workers, "customer.note_need", context, customer_id=customer_id, need="roof")
    assert (again.places, again.repeated) == (first.places, True)
    with pytest.raises(RepeatedError):
        give(world, workers, "customer.note_need", context, customer_id=customer_id, need="wall")


def test_who_was_overtaken_decides_anew(workers: Workers) -> None:
    world = World()
    customer_id = world.customer()
    world.do("customer.note_need", customer_id=customer_id, need="wall", by=world.elsewhere)
    assert give(world, workers, "customer.note_need", customer_id=customer_id, need="roof").version == 3


def test_many_on_one_stream_take_turns_and_none_is_in_vain(workers: Workers) -> None:
    world = World()
    ticket_id = uuid7()
    world.do("ticket.open", ticket_id=ticket_id, summary="No invoice came")
    callers, before = Callers(world.here, workers), len(world.ledger.appends)

    async def note(n: int) -> Outcome:
        return await callers.execute(order("ticket.note", ticket_id=ticket_id, activity=f"call {n}"), fresh())

    async def note_all() -> list[Outcome]:
        return await asyncio.gather(*(note(n) for n in range(50)))

    outcomes = asyncio.run(note_all())
    assert [outcome.version for outcome in outcomes] == list(range(2, 52))
    assert len(world.ledger.appends) == before + 50


def test_whose_turn_does_not_come_in_time_is_told_to_come_again(workers: Workers) -> None:
    world = World(SilentLedger())
    ticket_id = uuid7()
    world.do("ticket.open", ticket_id=ticket_id, summary="No invoice came")
    callers = Callers(world.here, workers)

    async def note(timeout_s: float) -> Outcome:
        note = order("ticket.note", ticket_id=ticket_id, activity="called")
        return await callers.execute(note, fresh(timeout_s=timeout_s))

    async def note_twice() -> list[object]:
        return await asyncio.gather(note(1), note(0.02), return_exceptions=True)

    first, second = asyncio.run(note_twice())
    assert (type(first), type(second)) == (OutcomeUnknownError, OverloadedError)


def test_an_answer_that_does_not_come_in_time_is_an_unknown_outcome(workers: Workers) -> None:
    world = World(SilentLedger())
    customer_id = world.customer()
    with pytest.raises(OutcomeUnknownError):
        give(world, workers, "customer.note_need", fresh(timeout_s=0.01), customer_id=customer_id, need="roof")
