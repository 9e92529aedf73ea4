"""Bodies that are too large to be held: taken in pieces, within a size, and no slower than a modest line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.types import Receive

from adapters.http.bodies import check_announced
from adapters.http.errors import MalformedError, TooLargeError, TooSlowError

if TYPE_CHECKING:
    from adapters.http.parts import Limits


async def pieces_of(
    headers: Mapping[bytes, bytes],
    receive: Receive,
    limits: Limits,
    most_bytes: int,
    require_still: Callable[[], Awaitable[None]],
) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises PackedError, TooLargeError, TooSlowError, and MalformedError if it breaks off.

    `require_still` raises when the caller may not go on; it is asked at most every `reopened_s`, and at the end.
    """
    check_announced(headers, most_bytes)
    clock, size = asyncio.get_running_loop().time, 0
    began = looked_at = clock()
    waited_s = 0.0
    while True:
        asked_at = clock()
        left_s = limits.body_s + size / limits.slowest_bytes_per_s - waited_s
        try:
            async with asyncio.timeout(min(left_s, limits.body_s)):  # who was fast does not stall for it
                message = await receive()
        except TimeoutError as error:
            raise TooSlowError(seconds=round(clock() - began, 1), bytes=size) from error
        waited_s += clock() - asked_at
        if message["type"] == "http.disconnect":
            raise MalformedError("the connection ended within the body")
        piece = message.get("body", b"")
        if (size := size + len(piece)) > most_bytes:
            raise TooLargeError(most_bytes=most_bytes)
        is_last = not message.get("more_body")
        if is_last or clock() - looked_at >= limits.reopened_s:
            await require_still()
            looked_at = clock()
        if piece:
            yield piece
        if is_last:
            return
