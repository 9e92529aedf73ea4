"""The way to one endpoint: a connection that is kept open, one message at a time, all of it bounded."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress

import httpcore

from adapters.webhooks.addresses import Reach
from adapters.webhooks.network import GuardedNetwork
from domain.errors import RelatoError
from streams.webhooks.schedule import ATTEMPT_S, Answer

CONNECT_S = 5.0
READ_BYTES, READ_S = 16 * 1024, 1.0  # of an answer's body, so that the connection can be used again
KEPT_S = 55.0
BROKEN_OFF = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)


class HttpLine:
    """Implements Line. Beneath httpx: nothing here follows redirects, knows proxies, keeps cookies, or unpacks."""

    def __init__(
        self, reach: Reach, network: GuardedNetwork, trust: ssl.SSLContext, *, attempt_s: float = ATTEMPT_S
    ) -> None:
        self._reach, self._attempt_s = reach, attempt_s
        self._pool = httpcore.AsyncConnectionPool(
            trust, max_connections=1, keepalive_expiry=KEPT_S, network_backend=network
        )
        self._is_used = False  # the connection; the other side may have closed it since

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        began = time.monotonic()
        try:
            answer = await self._bounded(url, headers, body)
        except RelatoError as error:
            answer = Answer(None, str(error))
        return answer._replace(took_ms=round((time.monotonic() - began) * 1000))

    async def close(self) -> None:
        await self._pool.aclose()

    async def _bounded(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            return await self._send(self._request(url, headers, body))
        except TimeoutError:
            return Answer(None, f"no answer within {self._attempt_s:g} s")
        except httpcore.ConnectTimeout:
            return Answer(None, f"no connection within {CONNECT_S:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, ValueError) as error:
            return Answer(None, _told(error))

    def _request(self, url: str, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
        place = self._reach.place_of(url)
        is_usual = place.port == (443 if place.is_tls else 80)
        shown = f"[{place.host}]" if ":" in place.host else place.host
        sent = {"Host": shown if is_usual else f"{shown}:{place.port}", "Content-Length": str(len(body)), **headers}
        target = httpcore.URL(
            scheme=b"https" if place.is_tls else b"http",
            host=place.host.encode(),
            port=place.port,
            target=place.path.encode(),
        )
        timeouts = {"connect": CONNECT_S, "pool": self._attempt_s}
        return httpcore.Request("POST", target, headers=[*sent.items()], content=body, extensions={"timeout": timeouts})

    async def _send(self, request: httpcore.Request) -> Answer:
        """Once more over a new connection, where one that was kept had been closed at the other end."""
        deadline = asyncio.get_running_loop().time() + self._attempt_s
        was_used, self._is_used = self._is_used, False
        try:
            return await self._send_once(request, deadline)
        except BROKEN_OFF:
            if not was_used:
                raise
            return await self._send_once(request, deadline)

    async def _send_once(self, request: httpcore.Request, deadline: float) -> Answer:
        async with asyncio.timeout_at(deadline):
            response = await self._pool.handle_async_request(request)
        try:
            with suppress(TimeoutError, *BROKEN_OFF):  # its status has been heard, whatever comes of the rest
                async with asyncio.timeout(READ_S):
                    self._is_used = await _is_read(response)
        finally:
            await response.aclose()
        found = (value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after")
        return Answer(response.status, retry_after=next(found, None))


async def _is_read(response: httpcore.Response) -> bool:
    """Whether the body was read to its end."""
    size = 0
    async for part in response.aiter_stream():
        size += len(part)
        if size > READ_BYTES:
            return False
    return True


def _told(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return "".join(c for c in words if c.isprintable())[:200]
