"""Receivers of webhooks on loopback: each keeps what it is sent, and answers as it was told to."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SETTLE_S = 0.02


class Heard(NamedTuple):
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def number(self) -> int:
        return int(self.event["feedseq"])


Answer = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


def status(code: int, **headers: str) -> Answer:
    """At once, keeping the connection."""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())

    async def answer(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {code} so\r\n{named}Content-Length: 0\r\n\r\n".encode())

    return answer


async def hang(_: Heard, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drip_headers(_: Heard, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, and never an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def lie_about_length(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nshort")
    await writer.drain()
    writer.close()


async def talk_nonsense(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff SSH-2.0-OpenSSH_9\r\n\r\n")
    await writer.drain()
    writer.close()


async def send_for_ever(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def answer_and_close(_: Heard, writer: asyncio.StreamWriter) -> None:
    """Without saying that it will."""
    writer.write(b"HTTP/1.1 204 OK\r\n\r\n")
    await writer.drain()
    writer.close()


@dataclass
class Receiver:
    """`answer` may be changed at any time."""

    answer: Answer = field(default_factory=lambda: status(204))
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?of=tests"

    @property
    def entries(self) -> list[Heard]:
        return [one for one in list(self.heard) if "feedseq" in one.event]

    @property
    def numbers(self) -> list[int]:
        return [one.number for one in self.entries]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.serving.add(asyncio.current_task())  # nobody else holds one that waits for ever
        try:
            await self._answer_all(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self.serving.discard(asyncio.current_task())

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            headers.pop("")
            body = await reader.readexactly(int(headers["content-length"]))
            one = Heard(head[0].split()[1], headers, body)
            self.heard.append(one)
            await self.answer(one, writer)
            await writer.drain()
        await writer.wait_closed()


@contextmanager
def receiving(
    answer: Answer | None = None, *, port: int = 0, trust: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """In a loop of its own; over TLS with `trust`."""
    receiver, ready = Receiver(answer or status(204), scheme="https" if trust else "http"), threading.Event()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", port, ssl=trust, limit=1 << 20)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()
        await done.wait()
        server.close()
        await asyncio.sleep(SETTLE_S)  # who came at the last moment is let in, to be shown out
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(SETTLE_S)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
