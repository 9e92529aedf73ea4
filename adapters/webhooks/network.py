"""Connections for webhooks: the name is resolved once, by us, and what was looked at is what is connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from adapters.webhooks.addresses import Ip, Reach
from domain.errors import RelatoError

TRIED = 3  # addresses of one name
LOOKUPS = 64  # at once; one that hangs holds its thread for as long

Resolve = Callable[[str, int], Sequence[str]]


class UnreachableError(RelatoError):
    """The address leads to no machine that webhooks may be sent to."""


class UnknownHostError(RelatoError):
    """Nobody knows the host."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Numbers, without the zones of local ones. Blocks; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


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
                return await self._inner.connect_tcp(str(address), port, timeout)
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
