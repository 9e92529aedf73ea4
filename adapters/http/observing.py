"""Every request has a correlation id, is counted, and leaves one line in the log: no value, no query, no person."""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.ids import uuid7
from domain.cache import Cache

if TYPE_CHECKING:
    from adapters.http.parts import Parts
    from domain.ports import Vault

CORRELATION: ContextVar[UUID | None] = ContextVar("correlation", default=None)
ROUTE, PRINCIPAL = "relato.route", "relato.principal"  # what later stages put into a request's scope
TRACE_PARENT = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
LONGEST_ID = 200
NO_ROUTE, GONE = "none", 499  # 499: the caller left before there was an answer
UNLOGGED = {"/health/live", "/health/ready", "/metrics"}
PRINT_BYTES, REMEMBERED = 6, 10_000
log = structlog.get_logger("relato")


class Origin(NamedTuple):
    """What a request belongs to, and the caller's span, if it told one."""

    correlation: UUID
    span: int | None = None


def origin_of(scope: Scope, vault: Vault) -> Origin:
    """What the caller calls it, as a UUID: the trace of `traceparent`, else `X-Request-ID`, else a new one."""
    headers = dict(scope["headers"])
    if found := TRACE_PARENT.fullmatch(headers.get(b"traceparent", b"")):
        return Origin(UUID(hex=found[1].decode()), int(found[2], 16))
    if (text := headers.get(b"x-request-id")) and len(text) <= LONGEST_ID:
        try:
            return Origin(UUID(text.decode("latin-1")))
        except ValueError:
            return Origin(vault.derive_id("request", text.decode("latin-1")))
    return Origin(uuid7())


def route_of(scope: Scope) -> str:
    """The route's template: no id, and no path that somebody made up."""
    return str(scope.get(ROUTE) or getattr(scope.get("route"), "path", NO_ROUTE))


class Observed:
    """An ASGI application around the whole API."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app, self._parts = app, parts
        self._prints: Cache[str, str] = Cache(REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation, caller = origin_of(scope, self._parts.vault)
        CORRELATION.set(correlation)
        tracing = self._parts.tracing
        traced = tracing.begin(correlation, caller) if tracing else None
        answering = _Answering(send, str(correlation).encode())
        began = time.perf_counter()
        self._parts.metrics.under_way.inc()
        try:
            await self._app(scope, receive, answering)
        finally:
            self._parts.metrics.under_way.dec()
            ended = answering.began if answering.is_stream else time.perf_counter()
            self._tell(scope, answering.status, ended - began, correlation)
            if tracing and traced:
                tracing.end(traced, scope["method"], route_of(scope), answering.status, ended - began)

    def _tell(self, scope: Scope, status: int, seconds: float, correlation: UUID) -> None:
        route, method = route_of(scope), scope["method"]
        self._parts.metrics.count_request(route, method, status, seconds)
        if self._parts.logs_requests and route not in UNLOGGED:
            log.info(
                "request",
                method=method,
                route=route,
                status=status,
                seconds=round(seconds, 6),
                principal=self._print_of(scope.get(PRINCIPAL)),
                correlation_id=str(correlation),
            )

    def _print_of(self, principal: str | None) -> str | None:
        """An employee acts under an id that is theirs; this tells callers apart and names nobody."""
        if principal is None:
            return None
        if (found := self._prints.get(principal)) is None:
            found = self._parts.vault.fingerprint(b"principal\0" + principal.encode())[:PRINT_BYTES].hex()
            self._prints.put(principal, found)
        return found


class _Answering:
    """Sends on what is answered, with the correlation id, and remembers the status and when it began."""

    def __init__(self, send: Send, correlation: bytes) -> None:
        self._send, self._correlation = send, correlation
        self.status, self.began, self.is_stream = GONE, 0.0, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.began = message["status"], time.perf_counter()
            headers = message.get("headers", [])
            self.is_stream = (b"content-type", b"text/event-stream") in [(n, v[:17]) for n, v in headers]
            message = {**message, "headers": [*headers, (b"x-request-id", self._correlation)]}
        await self._send(message)
