"""Bodies that are too large to be held: taken in pieces, within a size, and no slower than a modest line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

from starlette.types import Receive

from adapters.http.bodies import check_announced
from adapters.http.errors import MalformedError, TooLargeError, TooSlowError

if TYPE_CHECKING:
    from adapters.http.parts import Limits


async def pieces_of(
    headers: Mapping[bytes, bytes], receive: Receive, limits: Limits, most_bytes: int
) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises PackedError, TooLargeError, TooSlowError, and MalformedError if it breaks off."""
    check_announced(headers, most_bytes)
    clock, size = asyncio.get_running_loop().time, 0
    began, waited_s = clock(), 0.0
    while True:
        asked_at = clock()
        try:
            async with asyncio.timeout(limits.body_s + size / limits.slowest_bytes_per_s - waited_s):
                message = await receive()
        except TimeoutError as error:
            raise TooSlowError(seconds=round(clock() - began, 1), bytes=size) from error
        waited_s += clock() - asked_at
        if message["type"] == "http.disconnect":
            raise MalformedError("the connection ended within the body")
        piece = message.get("body", b"")
        if (size := size + len(piece)) > most_bytes:
            raise TooLargeError(most_bytes=most_bytes)
        if piece:
            yield piece
        if not message.get("more_body"):
            return
