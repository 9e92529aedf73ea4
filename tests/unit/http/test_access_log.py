"""Nothing leaves before it is noted whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from adapters.http.access_log import NOTED, AccessLog, Accounted, note_opened
from adapters.http.observing import PRINCIPAL, ROUTE
from domain.errors import UnavailableError
from domain.personal import KeyId

ANA, BIA = b"ana's key", b"bia's key"
START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def chunk(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


class Exchange:
    """Opens and sends what it is given, in this order; `seen` is what was noted and what has left, in that order."""

    def __init__(self, *steps: KeyId | Message, fails_at: int | None = None) -> None:
        self.steps, self.fails_at, self.seen = steps, fails_at, list[Any]()

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        for step in self.steps:
            if isinstance(step, bytes):
                note_opened({step})
            else:
                await send(step)

    async def record(self, principal: str, route: str, keys: Collection[KeyId]) -> None:
        if len(self.seen) == self.fails_at:
            raise UnavailableError
        self.seen.append((principal, route, *sorted(keys)))

    async def send(self, message: Message) -> None:
        self.seen.append(message.get("body", message.get("status")))

    def run(self) -> list[Any]:
        scope = {"type": "http", PRINCIPAL: "sam", ROUTE: "/x"}
        app = Accounted(self, cast("AccessLog", self))
        asyncio.run(app(scope, cast("Receive", None), self.send))
        return self.seen


def test_a_request_is_noted_once_before_its_answer() -> None:
    assert Exchange(ANA, BIA, ANA, START, chunk(b"x")).run() == [("sam", "/x", ANA, BIA), 200, b"x"]


def test_what_opens_nothing_is_not_noted() -> None:
    assert Exchange(START, chunk(b"x")).run() == [200, b"x"]


def test_a_stream_is_noted_again_before_somebody_new_is_in_it() -> None:
    found = Exchange(ANA, START, chunk(b"a"), ANA, chunk(b"b"), BIA, chunk(b"c")).run()
    assert found == [("sam", "/x", ANA), 200, b"a", b"b", ("sam", "/x", BIA), b"c"]


def test_a_stream_without_end_remembers_a_bounded_number_and_notes_who_comes_again_once_more() -> None:
    others = [b"%d" % n for n in range(2 * NOTED + 2)]
    told = [ANA, START, *(step for other in others for step in (other, chunk(b"")))]
    assert Exchange(*told, ANA, chunk(b"x")).run()[-2:] == [("sam", "/x", ANA), b"x"]
    assert Exchange(*told[: 2 * NOTED], ANA, chunk(b"x")).run()[-1:] == [b"x"]
    assert ("sam", "/x", ANA) not in Exchange(*told[: 2 * NOTED], ANA, chunk(b"x")).run()[1:]


def test_what_cannot_be_noted_does_not_leave_and_a_problem_does() -> None:
    status, body = Exchange(ANA, START, chunk(b"Ana"), fails_at=0).run()
    assert (status, b"Ana" in body) == (503, False)


def test_a_stream_whose_next_part_cannot_be_noted_is_cut_off() -> None:
    exchange = Exchange(START, chunk(b"a"), ANA, chunk(b"Ana"), fails_at=2)
    with pytest.raises(UnavailableError):
        exchange.run()
    assert exchange.seen == [200, b"a"]


def test_a_value_that_is_opened_outside_a_request_is_refused() -> None:
    with pytest.raises(LookupError):
        note_opened({ANA})


class Slow:
    """A book whose first entry takes a moment."""

    def __init__(self) -> None:
        self.groups = list[int]()

    async def run(self, _: Any, readings: Any) -> None:
        await asyncio.sleep(0.01)
        self.groups.append(len(readings))


def test_what_comes_while_a_record_is_written_is_written_together() -> None:
    async def ask() -> None:
        log = AccessLog(cast("Any", None), lambda _: {}, cast("Any", slow))
        await asyncio.gather(*(log.record("sam", "/x", [ANA]) for _ in range(10)))

    slow = Slow()
    asyncio.run(ask())
    assert sum(slow.groups) == 10
    assert len(slow.groups) <= 2
