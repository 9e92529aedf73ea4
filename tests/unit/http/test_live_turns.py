"""However many follow pages, few are read for them at once: who asks for one finds sessions and threads."""

from __future__ import annotations

import asyncio

from adapters.http.live_pages import TAKEN_AT_ONCE, LivePage, Shots
from adapters.http.paging import Page
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
