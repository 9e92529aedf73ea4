"""One connection: who stalls in its headers or does not read is cut off; what uvicorn refuses is told as a problem."""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from collections import Counter
from http import HTTPStatus
from typing import Any, ClassVar, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.http.errors import HeadersTooLargeError, MalformedError, OverloadedError
from adapters.http.observing import PRINCIPAL
from adapters.http.problems import problem_of
from adapters.http.sse import CUT
from domain.errors import RelatoError


async def overloaded(_: Scope, __: Receive, send: Send) -> None:
    """Instead of the application."""
    problem = problem_of(OverloadedError())
    await problem._replace(headers={**problem.headers, "Connection": "close"}).answer().send(send)


class Connection(HttpToolsProtocol):
    """Beside what uvicorn guards: the time between requests."""

    headers_s = 20.0  # from the first byte to the end of the headers
    stall_s = 30.0  # in which somebody who is sent 64 KiB has to read most of them, of more `slowest_bytes_per_s`
    slowest_bytes_per_s = 16 * 1024
    most_waiting = 512 * 1024 * 1024  # bytes that were answered and not read, of all together
    most = 2_000  # at once; who comes then is told to come back
    head_bytes = 64 * 1024  # of address and headers; the parser itself would take any number of them

    _awaiting_headers: TimerHandle | None = None
    _awaiting_reader: TimerHandle | None = None
    _unread: ClassVar[dict[Connection, int]] = {}  # who has to read how much at most, those first who began first
    _head = 0  # bytes that have come since the last that was an end of headers, or a body's

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Transport", transport))
        if len(self.connections) > self.most:
            self.app = cast("Any", overloaded)  # uvicorn has its own words for ASGI
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_headers()
        self._forget_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > self.head_bytes and not self.transport.is_closing():
            self._refuse(HeadersTooLargeError(most_bytes=self.head_bytes))
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.timeout_keep_alive_task is None:
            self._await_headers()  # empty lines, or a body that nobody wanted, are no request

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT: {"now": self.transport.abort}}  # for a stream whose reader takes nothing
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._head = 0
        self._forget_headers()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedError(msg))

    def _refuse(self, error: RelatoError) -> None:
        answer = problem_of(error).answer()
        head = (
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\nContent-Type: {answer.media_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + answer.body)
        self._close()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread[self] = self.transport.get_write_buffer_size()
        self._await_reader()
        self._make_room()

    def resume_writing(self) -> None:
        self._forget_reader()
        super().resume_writing()

    def _make_room(self) -> None:
        """Cut off are those of the caller who leaves most unread, the first of them first."""
        if sum(self._unread.values()) <= self.most_waiting:
            return
        waiting = {one: one.transport.get_write_buffer_size() for one in self._unread}
        self._unread.update(waiting)
        over = sum(waiting.values()) - self.most_waiting
        while over > 0:
            by_caller = Counter[str]()
            for one, size in waiting.items():
                by_caller[one._caller] += size  # noqa: SLF001 another of us
            [(greediest, _)] = by_caller.most_common(1)
            first = next(one for one in waiting if one._caller == greediest)  # noqa: SLF001 another of us
            over -= waiting.pop(first)
            first._cut()  # noqa: SLF001 another of us

    @property
    def _caller(self) -> str:
        return str((self.scope or {}).get(PRINCIPAL))

    def _cut(self) -> None:
        self._forget_reader()
        self.transport.abort()

    def _close(self) -> None:
        """What was written is sent before, unless nobody reads it."""
        if not self.transport.is_closing():
            self.transport.close()
            self._await_reader()

    def _await_headers(self) -> None:
        if self._awaiting_headers is None and not self.transport.is_closing():
            self._awaiting_headers = self.loop.call_later(self.headers_s, self._close)

    def _forget_headers(self) -> None:
        if self._awaiting_headers:
            self._awaiting_headers.cancel()
            self._awaiting_headers = None

    def _await_reader(self) -> None:
        self._forget_timer()
        left = self.transport.get_write_buffer_size()
        self._awaiting_reader = self.loop.call_later(self.stall_s, self._look_at_reader, left)

    def _look_at_reader(self, left: int) -> None:
        """Who reads on, slowly, may."""
        has_read = left - self.transport.get_write_buffer_size()
        if has_read >= self.slowest_bytes_per_s * self.stall_s:
            self._await_reader()
        else:
            self._cut()

    def _forget_reader(self) -> None:
        self._unread.pop(self, None)
        self._forget_timer()

    def _forget_timer(self) -> None:
        if self._awaiting_reader:
            self._awaiting_reader.cancel()
            self._awaiting_reader = None
