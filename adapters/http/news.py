"""Wake-ups for who waits on the loop: told by PostgreSQL, and by a poll where it isn't, or is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from domain.errors import UnavailableError

POLL_S = 0.5
CALM_S = 0.02  # so that many appends make one read
PAUSE_S = 1.0


class News(Protocol):
    """Tells that the ledger has grown; may tell it when it has not. Raises UnavailableError."""

    def wait(self, timeout_s: float) -> None: ...

    def close(self) -> None: ...


OpenNews = Callable[[], News]


class WakeUps:
    """Between `start` and `stop` one rests until there is news. From one event loop only; may be started again."""

    def __init__(self, open_news: OpenNews | None, name: str) -> None:
        self._open_news, self._name = open_news, name
        self._woken, self._idle = asyncio.Event(), threading.Event()

    def start(self) -> None:
        self._idle = threading.Event()
        if self._open_news:
            given = (self._open_news, asyncio.get_running_loop(), self._woken, self._idle)
            threading.Thread(target=_listen, args=given, name=self._name, daemon=True).start()

    def stop(self) -> None:
        self._idle.set()

    def wake(self) -> None:
        self._woken.set()

    def clear(self) -> None:
        """Before what there is gets read: what comes from now on wakes again."""
        self._woken.clear()

    async def rest(self) -> None:
        await asyncio.sleep(CALM_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()


def _listen(open_news: OpenNews, loop: asyncio.AbstractEventLoop, woken: asyncio.Event, idle: threading.Event) -> None:
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
