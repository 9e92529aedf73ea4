"""The ledger's end, read once for all who follow it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice

from adapters.http.news import PAUSE_S, OpenNews, WakeUps
from adapters.http.workers import Workers
from domain.errors import UnavailableError
from domain.event import Event
from domain.ports import EventLog

PAGE = 200
KEPT, KEPT_BYTES = 2_000, 8 * 1024 * 1024


class Tail:
    """A window on the newest facts, moved on by one reader while anybody follows. From one event loop only.

    Nobody has a queue: who falls behind the window reads the ledger at their own pace. Without `open_news`, or while
    that is away, it asks twice a second.
    """

    def __init__(self, log: EventLog, workers: Workers, open_news: OpenNews | None = None) -> None:
        self._log, self._workers, self._wake_ups = log, workers, WakeUps(open_news, "news")
        self._window: deque[Event] = deque()
        self._bytes = 0
        self._head = 0
        self._followers = 0
        self._reading: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """While it is, the window moves. Raises UnavailableError."""
        if self._reading is None:
            head = await self._workers.run(self._log.last_position)
            if self._reading is None:  # another may have come meanwhile, and the window moves on from its head
                self._start(head)
        self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers:
                self._stop()

    async def read(self, after: int) -> Sequence[Event]:
        """A page, from the window if it reaches back so far. Raises UnavailableError."""
        if after >= self._head:
            return ()
        if self._window and self._window[0].position <= after + 1:
            first = after + 1 - self._window[0].position  # positions have no gaps
            return list(islice(self._window, first, first + PAGE))
        return await self._workers.run(self._log.read, after, PAGE)

    async def wait(self, after: int, timeout_s: float) -> None:
        """Until there is more, at most so long."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while after >= self._head and (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            grown = self._grown
            try:
                async with asyncio.timeout(left_s):
                    await grown.wait()
            except TimeoutError:
                return

    def _start(self, head: int) -> None:
        self._head = head
        self._wake_ups.start()
        self._reading = asyncio.ensure_future(self._read_on())

    def _stop(self) -> None:
        self._wake_ups.stop()
        if self._reading:
            self._reading.cancel()
        self._reading = None
        self._window.clear()
        self._bytes = 0

    async def _read_on(self) -> None:
        while True:
            self._wake_ups.clear()
            try:
                page = await self._workers.run(self._log.read, self._head, PAGE)
            except UnavailableError:
                await asyncio.sleep(PAUSE_S)
                continue
            if page:
                self._move_on(page)
            if len(page) < PAGE:
                await self._wake_ups.rest()

    def _move_on(self, page: Sequence[Event]) -> None:
        self._window.extend(page)
        self._bytes += sum(len(event.data) for event in page)
        while len(self._window) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._window.popleft().data)
        self._head = page[-1].position
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
