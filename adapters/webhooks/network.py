"""Connections for webhooks: the name is resolved once, by us, and what was looked at is what is connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Any

from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError, ReadError

from adapters.webhooks.addresses import Ip, Reach
from domain.errors import RelatoError

TRIED = 3  # addresses of one name
LOOKUPS = 64  # at once; one that hangs holds its thread for as long
PORTION_BYTES = 4 * 1024  # what is read at once is parsed at once, and nobody else has a turn meanwhile
MOST_BYTES = 64 * 1024  # of all that is said to one message, hints before the answer too

Resolve = Callable[[str, int], Sequence[str]]


class UnreachableError(RelatoError):
    """The address leads to no machine that webhooks may be sent to."""


class UnknownHostError(RelatoError):
    """Nobody knows the host."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Numbers, without the zones of local ones. Blocks; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


class BoundedStream(AsyncNetworkStream):
    """A connection of which little is read at a time, and not more than an answer has."""

    def __init__(self, inner: AsyncNetworkStream) -> None:
        self._inner, self._heard = inner, 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 httpcore's signature
        if self._heard > MOST_BYTES:
            raise ReadError(f"the answer is longer than {MOST_BYTES // 1024} KiB")
        part = await self._inner.read(min(max_bytes, PORTION_BYTES), timeout)
        self._heard += len(part)
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 httpcore's signature
        self._heard = 0
        await self._inner.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 httpcore's signature
    ) -> AsyncNetworkStream:
        return BoundedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    async def aclose(self) -> None:
        await self._inner.aclose()


class GuardedNetwork(AsyncNetworkBackend):
    """Of all endpoints together; the names are looked up in threads of its own."""

    def __init__(self, reach: Reach, resolve: Resolve = resolve) -> None:
        self._reach, self._resolve = reach, resolve
        self._inner = AnyIOBackend()
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-dns")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[object] | None = None,
    ) -> AsyncNetworkStream:
        del local_address, socket_options
        failure: Exception = UnknownHostError(host=host)
        for address in await self._allowed(host, port):
            try:
                return BoundedStream(await self._inner.connect_tcp(str(address), port, timeout))
            except ConnectError as error:
                failure = error
        raise failure

    async def _allowed(self, host: str, port: int) -> Sequence[Ip]:
        look_up = partial(self._resolve, host.strip("[]"), port)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)
        except (OSError, UnicodeError) as error:
            raise UnknownHostError(host=host) from error
        allowed = [address for text in found if self._reach.allows(address := ip_address(text))]
        if found and not allowed:
            raise UnreachableError(host=host, address=found[0])
        return allowed[:TRIED]

    async def connect_unix_socket(self, path: str, *_: object, **__: object) -> AsyncNetworkStream:
        raise UnreachableError(path=path)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def close(self) -> None:
        self._lookups.shutdown(wait=False, cancel_futures=True)
