"""A file on its way out, block by block, for as long as who is sent it may have it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from adapters.http.observing import PRINCIPAL
from adapters.http.parts import Parts
from adapters.http.sse import CUT

BLOCK_BYTES = 256 * 1024


def blocks_of(path: Path, size: int) -> Iterator[bytes]:
    """So much of a file: whoever writes it may go on."""
    with path.open("rb") as file:
        while size and (block := file.read(min(size, BLOCK_BYTES))):
            size -= len(block)
            yield block


class EndedError(Exception):
    """Who is sent the file may not have the rest of it."""


class Sent(StreamingResponse):
    """The next block is read when the one before was taken: a slow reader holds two of them.

    `may_go_on` is asked before a block, at most every `reopened_s`; once it says no the connection is cut, with what
    waits to be sent.
    """

    def __init__(
        self,
        parts: Parts,
        blocks: Iterator[bytes],
        may_go_on: Callable[[], Awaitable[bool]],
        *,
        begin: bytes,
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        self._parts, self._may_go_on = parts, may_go_on
        super().__init__(self._all(begin, blocks), status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await Response(status_code=self.status_code, headers=dict(self.headers))(scope, receive, send)
            return
        cut: Callable[[], None] = scope.get("extensions", {}).get(CUT, {}).get("now", lambda: None)
        with self._parts.transfers.taken_by(str(scope.get(PRINCIPAL))):
            try:
                await super().__call__(scope, receive, send)
            except EndedError:
                cut()

    async def _all(self, block: bytes, blocks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
        clock, every_s = asyncio.get_running_loop().time, self._parts.limits.reopened_s
        opened_at = clock()
        while block:
            yield block
            yield b""  # the server takes it when the block has left it, however long that is
            if clock() - opened_at >= every_s:
                if not await self._may_go_on():
                    raise EndedError
                opened_at = clock()
            block = await self._parts.workers.run(next, blocks, b"")
