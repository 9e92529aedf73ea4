"""Bodies that are too large to be held: taken in pieces, within a size, and no slower than a modest line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.types import Receive

from adapters.http.errors import MalformedError, OverloadedError, TooLargeError, TooSlowError

if TYPE_CHECKING:
    from adapters.http.parts import Limits


class Transfers:
    """The files on their way in or out: so many at most. From one event loop only."""

    def __init__(self, most: int) -> None:
        self._most, self._under_way = most, 0

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Raises OverloadedError."""
        if self._under_way >= self._most:
            raise OverloadedError(files=self._under_way)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1


async def pieces_of(
    headers: Mapping[bytes, bytes], receive: Receive, limits: Limits, most_bytes: int
) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises TooLargeError, TooSlowError, and MalformedError for one that breaks off."""
    if (told := headers.get(b"content-length")) is not None and int(told) > most_bytes:
        raise TooLargeError(most_bytes=most_bytes)
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
