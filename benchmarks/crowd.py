"""Callers in a closed loop: each begins its next piece of work when the last one is done."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import uvloop

Work = Callable[[], object]
AsyncWork = Callable[[], Awaitable[object]]


def count_coroutines_per_second(work_of: Callable[[int], AsyncWork], callers: int, seconds: float) -> float:
    """As `count_per_second`, by so many coroutines on one loop, as the API's are."""
    return uvloop.run(_count(work_of, callers, seconds))


async def _count(work_of: Callable[[int], AsyncWork], callers: int, seconds: float) -> float:
    start = time.perf_counter()

    async def call(n: int) -> int:
        work, count = work_of(n), 0
        while time.perf_counter() < start + seconds:
            await work()
            count += 1
        return count

    counts = await asyncio.gather(*(call(n) for n in range(callers)))
    return sum(counts) / (time.perf_counter() - start)


def count_per_second(work_of: Callable[[int], Work], callers: int, seconds: float) -> float:
    """Pieces of work done in a second by so many threads; `work_of` makes each caller's own. A failure is raised."""
    works = [work_of(n) for n in range(callers)]
    counts, failures = [0] * callers, list[BaseException]()
    begin = threading.Barrier(callers + 1)
    ends_at = [0.0]

    def call(n: int) -> None:
        work = works[n]
        begin.wait()
        try:
            while time.perf_counter() < ends_at[0]:
                work()
                counts[n] += 1
        except BaseException as error:  # noqa: BLE001 it is raised where the callers were started
            failures.append(error)

    threads = [threading.Thread(target=call, args=(n,)) for n in range(callers)]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    ends_at[0] = start + seconds
    begin.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - start)
