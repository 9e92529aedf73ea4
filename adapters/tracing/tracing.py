"""Spans of what became of a request: its correlation id is the trace's, so nothing travels with the facts.

An append's span has the last 8 bytes of its command's id, which every fact bears: who meets the fact knows the parent.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from domain.event import Event, Origin
from domain.ports import Place, Write

REQUEST: ContextVar[int | None] = ContextVar("request span", default=None)
FRESH_S = 900  # what is published or folded later is a rebuild, and no part of what the caller did
RANDOM_BITS = 56  # of a trace's id, by W3C Trace Context; a UUIDv7 has its version and variant before them
SPAN_ID = (1 << 64) - 1
CORRELATED = re.compile(rb'"correlation_id":"([0-9a-f-]{36})"')
ROW = "relato"

About = dict[str, str | int]
Kind = Literal["server", "internal", "producer", "consumer"]


class Span(NamedTuple):
    """Times are nanoseconds since 1970. No attribute holds what a fact says, nor whom it concerns."""

    name: str
    kind: Kind
    trace: UUID
    id: int
    parent: int | None
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int]
    failed: bool = False


class Sent(Protocol):
    """A record on its way to a topic."""

    @property
    def position(self) -> int: ...
    @property
    def partition(self) -> int: ...
    @property
    def headers(self) -> list[tuple[str, bytes]]: ...
    @property
    def timestamp_ms(self) -> int: ...


class Request(NamedTuple):
    """One that is under way."""

    trace: UUID
    id: int
    parent: int | None
    began_ns: int


class Tracing:
    """Tells spans of the traces that are sampled: by the id's own bits, so that every process decides the same."""

    def __init__(self, tell: Callable[[Span], None], ratio: float) -> None:
        self._tell, self._from = tell, round((1 - ratio) * (1 << RANDOM_BITS))

    def samples(self, correlation: UUID) -> bool:
        """As OpenTelemetry's consistent probability sampling does."""
        return (correlation.int & ((1 << RANDOM_BITS) - 1)) >= self._from

    def begin(self, correlation: UUID, parent: int | None) -> Request | None:
        """A request, in whose context its appends are made; none when its trace is not sampled."""
        if not self.samples(correlation):
            REQUEST.set(None)
            return None
        REQUEST.set(span := _new_id())
        return Request(correlation, span, parent, time.time_ns())

    def end(self, request: Request, method: str, route: str, status: int, seconds: float) -> None:
        trace, span, parent, began_ns = request
        about: About = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        until = began_ns + round(seconds * 1e9)
        failed = status >= 500  # noqa: PLR2004 the server's fault
        self._tell(Span(f"{method} {route}", "server", trace, span, parent, began_ns, until, about, failed=failed))

    def tell_append(self, writes: Sequence[Write], places: Sequence[Place], began_ns: int, ended_ns: int) -> None:
        """An import is none: it is millions of facts under one id."""
        parent, start = REQUEST.get(), 0
        for write in writes:
            trace, span, count = write.correlation_id, append_id(write.command_id), len(write.facts)
            if count and write.origin != Origin.IMPORT and self.samples(trace):
                about: About = {"relato.position": places[start].position, "relato.facts": count}
                self._tell(Span("append", "internal", trace, span, parent, began_ns, ended_ns, about))
            start += count

    def watch_sent(self, topic: str, record: Sent) -> Callable[[], None] | None:
        """What is to be called when the record is acknowledged."""
        row = dict(record.headers)[ROW]
        if not (found := CORRELATED.search(row)) or not self.samples(trace := UUID(found[1].decode())):
            return None
        told, began_ns = json.loads(row), time.time_ns()
        if not _concerns(told["origin"], record.timestamp_ms / 1000):
            return None
        about: About = {"relato.position": record.position, "messaging.destination.partition.id": str(record.partition)}
        name, parent = f"publish {topic}", append_id(UUID(told["command_id"]))

        def tell() -> None:
            self._tell(Span(name, "producer", trace, _new_id(), parent, began_ns, time.time_ns(), about))

        return tell

    def tell_folded(self, service: str, events: Sequence[Event], began_ns: int) -> None:
        """What is committed now."""
        ended_ns, least, bits = time.time_ns(), self._from, (1 << RANDOM_BITS) - 1
        for event in events:
            if (event.correlation_id.int & bits) >= least and _concerns(event.origin, event.recorded_at.timestamp()):
                trace, parent = event.correlation_id, append_id(event.command_id)
                about: About = {"relato.position": event.position, "relato.type": event.type}
                self._tell(Span(f"fold {service}", "consumer", trace, _new_id(), parent, began_ns, ended_ns, about))


def append_id(command_id: UUID) -> int:
    """Of the span of the append that this command made."""
    return command_id.int & SPAN_ID or 1


def _new_id() -> int:
    return int.from_bytes(os.urandom(8)) or 1


def _concerns(origin: str, recorded_s: float) -> bool:
    return origin != Origin.IMPORT and time.time() - recorded_s < FRESH_S
