"""What blocks is done by threads, as many as there are; what would wait too long is refused at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from adapters.http.errors import OverloadedError
from adapters.http.workers import Workers


def test_answers_and_failures_come_to_who_asked() -> None:
    workers = Workers(4)

    async def ask() -> None:
        assert await asyncio.gather(*(workers.run(pow, n, 2) for n in range(200))) == [n * n for n in range(200)]
        with pytest.raises(ZeroDivisionError):
            await workers.run(divmod, 1, 0)

    asyncio.run(ask())
    assert workers.pending == 0
    workers.close()


def test_more_than_may_wait_is_refused() -> None:
    workers, go_on = Workers(1, waiting=1), threading.Event()

    async def ask() -> None:
        accepted = [asyncio.create_task(workers.run(go_on.wait, 5)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await workers.run(go_on.wait, 5)
        go_on.set()
        assert await asyncio.gather(*accepted) == [True, True]

    asyncio.run(ask())
    workers.close()


def test_who_has_gone_away_stops_nobody() -> None:
    workers, go_on = Workers(1), threading.Event()

    async def ask() -> None:
        gone = asyncio.create_task(workers.run(go_on.wait, 5))
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        assert await workers.run(pow, 2, 2) == 4

    asyncio.run(ask())
    workers.close()
