"""How a stream is paced: whether its caller may go on is asked between the heartbeats too."""

from __future__ import annotations

import asyncio

from adapters.http.sse import paced

CHECK_S, BEAT_S = 0.02, 60.0


async def follow(*, talks: bool) -> tuple[list[float], int]:
    """How long each chunk was waited for, and how often something was told, of a caller who may go on twice."""
    waits, answers = list[float](), iter([True, True, False])

    async def next_chunk(wait_s: float) -> bytes:
        waits.append(wait_s)
        await asyncio.sleep(wait_s / 4 if talks else wait_s)
        return b"x" if talks else b""

    async def may_go_on() -> bool:
        return next(answers)

    told = [chunk async for chunk in paced(next_chunk, int, BEAT_S, may_go_on, check_s=CHECK_S)]
    return waits, len(told)


async def within(seconds: float, *, talks: bool) -> tuple[list[float], int]:
    return await asyncio.wait_for(follow(talks=talks), seconds)


def test_a_quiet_stream_ends_long_before_its_next_heartbeat() -> None:
    waits, told = asyncio.run(within(5, talks=False))
    assert max(waits) <= CHECK_S
    assert told == 1  # that it is there


def test_a_busy_stream_is_asked_as_often() -> None:
    waits, told = asyncio.run(within(5, talks=True))
    assert (max(waits) <= CHECK_S, told > 1) == (True, True)
