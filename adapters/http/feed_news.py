"""Who waits for a feed's next entry is woken when it is there: one question for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from adapters.http.news import PAUSE_S, OpenNews, WakeUps
from adapters.http.workers import Workers
from domain.errors import UnavailableError

HeadsOf = Callable[[Collection[UUID]], Mapping[UUID, int]]
"""The last number of each feed. Raises UnavailableError."""


class FeedNews:
    """From one event loop only. Without `open_news`, or while that is away, it asks twice a second."""

    def __init__(self, heads_of: HeadsOf, workers: Workers, open_news: OpenNews | None = None) -> None:
        self._heads_of, self._workers, self._wake_ups = heads_of, workers, WakeUps(open_news, "feed news")
        self._waiting: dict[asyncio.Future[None], tuple[UUID, int]] = {}
        self._watching: asyncio.Task[None] | None = None

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
        self._wake_ups.wake()
        if self._watching is None:
            self._wake_ups.start()
            self._watching = asyncio.ensure_future(self._watch())

    def _stop(self) -> None:
        self._wake_ups.stop()
        if self._watching:
            self._watching.cancel()
        self._watching = None

    async def _watch(self) -> None:
        while True:
            self._wake_ups.clear()
            try:
                heads = await self._workers.run(self._heads_of, {feed for feed, _ in self._waiting.values()})
            except UnavailableError:
                await asyncio.sleep(PAUSE_S)
                continue
            for grown, (feed, after) in self._waiting.items():
                if heads.get(feed, 0) > after and not grown.done():
                    grown.set_result(None)
            await self._wake_ups.rest()
