"""Server-sent events: how a message is written, and how a stream goes out, is bounded, cut off and ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.http.errors import OverloadedError
from adapters.http.observing import PRINCIPAL
from adapters.http.problems import refused, unexpected
from adapters.http.room import Room
from domain.errors import RelatoError, UnavailableError

EVENT_STREAM = "text/event-stream"
CUT = "relato.cut"  # among the scope's extensions; its `now` drops the connection, with what waits to be sent
RETRY = b"retry: 2000\n\n"
ENDING = b": the server ends, come again\n\n"
LAST_WORD_S = 1.0
PAUSE_S = 1.0
CHECK_S = 5.0  # how often a stream asks whether its caller may go on
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def message(event: str, content: Any, id_: object) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(id_).encode(), event.encode(), to_json(content))


def heartbeat(id_: object) -> bytes:
    """A comment; the id goes along, so that who comes again does not begin where nothing was for them."""
    return b": heartbeat\nid: %s\n\n" % str(id_).encode()


async def paced(
    next_chunk: Callable[[float], Awaitable[bytes]],
    place: Callable[[], object],
    beat_s: float,
    may_go_on: Callable[[], Awaitable[bool]],
    first: bytes = b"",
    *,
    check_s: float = CHECK_S,
) -> AsyncGenerator[bytes, None]:
    """Each chunk some whole messages; a heartbeat with the place where nothing was told for `beat_s`.

    `next_chunk(wait_s)` waits so long at most for something to tell. Ends when the caller may not go on, which is asked
    every `check_s` and with each heartbeat, before anything is told; or when it raises EndedError.
    """
    check_s = min(check_s, beat_s)
    clock = asyncio.get_running_loop().time
    told_at = checked_at = clock()
    yield RETRY + (first or heartbeat(place()))
    while True:
        try:
            chunk = await next_chunk(max(0.0, min(told_at + beat_s, checked_at + check_s) - clock()))
        except UnavailableError:  # the client's connection is no worse for it
            chunk = b""
            await asyncio.sleep(min(PAUSE_S, check_s))
        except EndedError:
            return
        if clock() - checked_at >= check_s:
            if not await may_go_on():
                return
            checked_at = clock()
        if chunk or clock() - told_at >= beat_s:
            yield chunk or heartbeat(place())
            chunk, told_at = b"", clock()  # what was told is not held on to while there is nothing new


class EndedError(Exception):
    """There is nothing more to tell."""


class Streams:
    """The streams that are open: so many at most, and ended together."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._writing: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = False

    @property
    def open(self) -> int:
        return len(self._writing)

    def check_room(self) -> None:
        """Raises OverloadedError."""
        if self._ending or self.room.is_full:
            raise OverloadedError(streams=self.room.taken)

    @contextmanager
    def holding(self, writing: asyncio.Task[None]) -> Iterator[None]:
        self._loop = asyncio.get_running_loop()
        self._writing.add(writing)
        if self._ending:
            writing.cancel()
        try:
            yield
        finally:
            self._writing.discard(writing)

    def end(self) -> None:
        """From any thread; each stream says a last word."""
        self._ending = True
        if self._loop:
            with suppress(RuntimeError):  # the loop has ended, and the streams with it
                self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        for writing in self._writing:
            writing.cancel()


class EventStream(Response):
    """Sends what `messages` yields. Who takes nothing for `stalled_s` is cut off, so that nothing heaps up for them."""

    media_type = EVENT_STREAM

    def __init__(self, messages: AsyncGenerator[bytes, None], streams: Streams, stalled_s: float) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._messages, self._streams, self._stalled_s = messages, streams, stalled_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.room.taken_by(str(scope.get(PRINCIPAL))):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                await self._follow(scope, receive, send)

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        cut: Callable[[], None] = scope.get("extensions", {}).get(CUT, {}).get("now", lambda: None)
        writing = asyncio.ensure_future(self._write(send))
        watching = asyncio.ensure_future(_wait_until_gone(receive))
        try:
            with self._streams.holding(writing):
                await asyncio.wait({writing, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                await self._end(writing, send)
        except TimeoutError:
            cut()
        finally:
            writing.cancel()
            watching.cancel()
            await asyncio.gather(writing, watching, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        async with aclosing(self._messages) as messages:
            async for chunk in messages:
                async with asyncio.timeout(self._stalled_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                del chunk  # a page may have 32 MiB, and the next one may not come for hours

    async def _end(self, writing: asyncio.Task[None], send: Send) -> None:
        """Raises TimeoutError when the client does not take what is sent."""
        failure = None if writing.cancelled() else writing.exception()
        if isinstance(failure, TimeoutError):
            raise failure
        if isinstance(failure, RelatoError):
            refused(failure)
        elif failure:
            unexpected(failure)
        async with asyncio.timeout(LAST_WORD_S):
            with suppress(RelatoError):  # what may not leave unnoted; the connection ends without a last word
                await send({"type": "http.response.body", "body": ENDING if writing.cancelled() else b""})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
