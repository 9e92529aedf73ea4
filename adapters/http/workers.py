"""Threads for what blocks, bounded in number and in what waits for them."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from adapters.http.errors import OverloadedError

P = ParamSpec("P")
R = TypeVar("R")
Job = tuple["asyncio.Future[Any]", Callable[[], Any]]


class Workers:
    """A hand-off costs half of what `run_in_executor` takes: no lock of Python's own, one wake-up for many answers."""

    def __init__(self, threads: int = 32, *, waiting: int = 512) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._answers: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._left, self._pending = threads + waiting, 0
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = [threading.Thread(target=self._work, name=f"http-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def pending(self) -> int:
        """How much is waiting or being done."""
        return self._pending

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Raises OverloadedError. From one event loop only."""
        future: asyncio.Future[R] = self._admit()
        context = contextvars.copy_context()
        self._pending += 1
        self._jobs.put((future, lambda: context.run(function, *args, **kwargs)))
        return await future

    async def hear(self, begin: Callable[[Callable[[], None]], R | None], within_s: float) -> R | None:
        """What `begin` returns, once it has been notified, by whichever thread, or the time is over; none at once.

        Raises OverloadedError. From one event loop only.
        """
        future: asyncio.Future[None] = self._admit()
        if (begun := begin(partial(self._answer, future))) is not None:
            self._pending += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await future
        return begun

    def _admit(self) -> asyncio.Future[Any]:
        if self._pending >= self._left:
            raise OverloadedError(waiting=self._pending)
        self._loop = asyncio.get_running_loop()
        return self._loop.create_future()

    def close(self) -> None:
        """Waits for what is being done."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while job := self._jobs.get():
            future, work = job
            try:
                answer, failure = work(), None
            except BaseException as error:  # noqa: BLE001 it is raised where it was asked for
                answer, failure = None, error
            self._answer(future, answer, failure)
            del job, future, work, answer, failure

    def _answer(self, future: asyncio.Future[Any], answer: Any = None, failure: BaseException | None = None) -> None:
        self._answers.append((future, answer, failure))
        if not self._woken:  # after the answer is there: who is woken now finds it
            self._wake()

    def _wake(self) -> None:
        assert self._loop is not None
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:  # the loop has ended, nobody waits for the answer
            self._answers.clear()

    def _settle(self) -> None:
        self._woken = False
        while self._answers:
            future, answer, failure = self._answers.popleft()
            self._pending -= 1
            if future.cancelled():
                continue
            if failure is None:
                future.set_result(answer)
            else:
                future.set_exception(failure)
