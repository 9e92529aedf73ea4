"""Who waits for a feed's next entry is woken when it is there: one question for all who wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from adapters.http.tail import CALM_S, PAUSE_S, POLL_S, News, listen_for
from adapters.http.workers import Workers
from domain.errors import UnavailableError

HeadsOf = Callable[[Collection[UUID]], Mapping[UUID, int]]
"""The last number of each feed. Raises UnavailableError."""


class FeedNews:
    """From one event loop only. Without `open_news`, or while that is away, it asks twice a second."""

    def __init__(self, heads_of: HeadsOf, workers: Workers, open_news: Callable[[], News] | None = None) -> None:
        self._heads_of, self._workers, self._open_news = heads_of, workers, open_news
        self._waiting: dict[asyncio.Future[None], tuple[UUID, int]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._woken, self._idle = asyncio.Event(), threading.Event()

    async def wait(self, feed: UUID, after: int, timeout_s: float) -> None:
        """Until the feed goes on beyond `after`, at most so long."""
        grown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[grown] = (feed, after)
        self._start()
        try:
            async with asyncio.timeout(timeout_s):
                await grown
        except TimeoutError:
            pass
        finally:
            del self._waiting[grown]
            if not self._waiting:
                self._stop()

    def _start(self) -> None:
        self._woken.set()
        if self._watching is not None:
            return
        self._idle = threading.Event()
        self._watching = asyncio.ensure_future(self._watch())
        if self._open_news:
            given = (self._open_news, asyncio.get_running_loop(), self._woken, self._idle)
            threading.Thread(target=listen_for, args=given, name="feed news", daemon=True).start()

    def _stop(self) -> None:
        self._idle.set()
        if self._watching:
            self._watching.cancel()
        self._watching = None

    async def _watch(self) -> None:
        while True:
            self._woken.clear()
            try:
                heads = await self._workers.run(self._heads_of, {feed for feed, _ in self._waiting.values()})
            except UnavailableError:
                await asyncio.sleep(PAUSE_S)
                continue
            for grown, (feed, after) in self._waiting.items():
                if heads.get(feed, 0) > after and not grown.done():
                    grown.set_result(None)
            await asyncio.sleep(CALM_S)
            try:
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            except TimeoutError:
                pass
