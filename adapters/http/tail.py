"""The ledger's end, read once for all who follow it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Protocol

from adapters.http.workers import Workers
from domain.errors import UnavailableError
from domain.event import Event
from domain.ports import EventLog

PAGE = 200
KEPT, KEPT_BYTES = 2_000, 8 * 1024 * 1024
POLL_S = 0.5
CALM_S = 0.02  # so that many appends make one read
PAUSE_S = 1.0


class News(Protocol):
    """Tells that the ledger has grown; may tell it when it has not. Raises UnavailableError."""

    def wait(self, timeout_s: float) -> None: ...

    def close(self) -> None: ...


class Tail:
    """A window on the newest facts, moved on by one reader while anybody follows. From one event loop only.

    Nobody has a queue: who falls behind the window reads the ledger at their own pace. Without `open_news`, or while
    that is away, it asks twice a second.
    """

    def __init__(self, log: EventLog, workers: Workers, open_news: Callable[[], News] | None = None) -> None:
        self._log, self._workers, self._open_news = log, workers, open_news
        self._window: deque[Event] = deque()
        self._bytes = 0
        self._head = 0
        self._followers = 0
        self._reading: asyncio.Task[None] | None = None
        self._grown, self._woken = asyncio.Event(), asyncio.Event()
        self._idle = threading.Event()

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
        self._idle = threading.Event()
        self._reading = asyncio.ensure_future(self._read_on())
        if self._open_news:
            given = (self._open_news, asyncio.get_running_loop(), self._woken, self._idle)
            threading.Thread(target=listen_for, args=given, name="news", daemon=True).start()

    def _stop(self) -> None:
        self._idle.set()
        if self._reading:
            self._reading.cancel()
        self._reading = None
        self._window.clear()
        self._bytes = 0

    async def _read_on(self) -> None:
        while True:
            self._woken.clear()
            try:
                page = await self._workers.run(self._log.read, self._head, PAGE)
            except UnavailableError:
                await asyncio.sleep(PAUSE_S)
                continue
            if page:
                self._move_on(page)
            if len(page) < PAGE:
                await self._rest()

    async def _rest(self) -> None:
        await asyncio.sleep(CALM_S)
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _move_on(self, page: Sequence[Event]) -> None:
        self._window.extend(page)
        self._bytes += sum(len(event.data) for event in page)
        while len(self._window) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._window.popleft().data)
        self._head = page[-1].position
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


def listen_for(
    open_news: Callable[[], News], loop: asyncio.AbstractEventLoop, woken: asyncio.Event, idle: threading.Event
) -> None:
    """In a thread of its own until `idle`; what it misses a poll must find."""
    while not idle.is_set():
        try:
            news = open_news()
            try:
                while not idle.is_set():
                    news.wait(POLL_S)
                    loop.call_soon_threadsafe(woken.set)
            finally:
                news.close()
        except UnavailableError:
            idle.wait(PAUSE_S)
        except RuntimeError:  # the loop has ended
            return
