"""However many follow pages, few are read for them at once, and nothing is held of what they were told."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any
from uuid import UUID

from adapters.http.live_pages import TAKEN_AT_ONCE, LivePage, Shots
from adapters.http.paging import Page
from adapters.http.parts import Limits
from projections.catalogue import VIEWS


class Readers:
    """How many read at the same time."""

    def __init__(self) -> None:
        self.reading = self.most = self.done = 0

    async def read(self) -> Page:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        self.done += 1
        return Page([], None)


async def marks() -> str:
    return "1"


def test_pages_that_are_followed_are_read_few_at_a_time() -> None:
    async def follow() -> Readers:
        readers, shots = Readers(), Shots()
        pages = [LivePage(VIEWS["pipeline"].view, str(n), shots, readers.read, marks) for n in range(50)]
        await asyncio.gather(*(page.begin(None) for page in pages))
        return readers

    readers = asyncio.run(follow())
    assert (readers.most, readers.done) == (TAKEN_AT_ONCE, 50)


class Hasty(Limits):
    reread_s = heartbeat_s = 0.01


async def always() -> bool:
    return True


def large_row(n: int) -> dict[str, Any]:
    view = VIEWS["pipeline"].view
    return dict.fromkeys(view.columns, "x" * 10_000) | {column: UUID(int=n) for column in view.key}


def test_a_page_that_was_told_is_not_held_while_it_is_followed() -> None:
    async def read() -> Page:
        return Page([large_row(n) for n in range(100)], None)

    async def follow() -> tuple[int, list[bytes]]:
        page = LivePage(VIEWS["pipeline"].view, "", Shots(), read, marks)
        await page.begin(None)
        messages = page.messages(Hasty(), always)
        sizes = [len(await anext(messages)) for _ in range(2)]
        beats = [await anext(messages) for _ in range(3)]
        held, _ = tracemalloc.get_traced_memory()
        await messages.aclose()
        assert sizes[1] > 1_000_000
        return held, beats

    tracemalloc.start()
    try:
        held, beats = asyncio.run(follow())
    finally:
        tracemalloc.stop()
    assert held < 500_000
    assert all(beat.startswith(b": heartbeat") for beat in beats)


def test_until_the_page_is_told_nobody_is_given_its_token() -> None:
    async def begin() -> tuple[bytes, bytes]:
        page = LivePage(VIEWS["pipeline"].view, "", Shots(), Readers().read, marks)
        await page.begin(None)
        messages = page.messages(Hasty(), always)
        return await anext(messages), await anext(messages)

    first, shot = asyncio.run(begin())
    assert b"id: \n" in first
    assert b"event: snapshot" in shot
