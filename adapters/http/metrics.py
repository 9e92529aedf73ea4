"""What is measured of the API and of what it appends, and `/metrics`, where Prometheus reads it."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from adapters.http.schemas import problems_for
from domain.errors import UnavailableError
from domain.execute import Outcome
from projections.disclosure import allowed

if TYPE_CHECKING:
    from starlette.types import Scope

    from adapters.http.parts import Parts

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
GROUPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REMEMBERED_S = 1.0  # what is read of the databases, however many ask
FORWARDED = {b"forwarded", b"x-forwarded-for"}


class Reading(NamedTuple):
    """One value of a gauge that is read when it is asked for; `label` is its label's name and value."""

    name: str
    help: str
    value: float
    label: tuple[str, str] | None = None


Read = Callable[[], Sequence[Reading]]


class Metrics:
    """Safe from many threads."""

    def __init__(self) -> None:
        self.registry = of = CollectorRegistry()
        self._requests = Counter("relato_requests", "Requests answered.", ["route", "method", "status"], registry=of)
        self._seconds = Histogram(
            "relato_request_seconds", "Until the answer was sent.", ["route", "method"], buckets=SECONDS, registry=of
        )
        self.under_way = Gauge("relato_requests_under_way", "Requests that are not answered yet.", registry=of)
        self._commands = Counter("relato_commands", "Commands, alone and in batches.", ["outcome"], registry=of)
        self._facts = Counter("relato_appended_facts", "Facts that this process appended.", registry=of)
        self._groups = Histogram("relato_append_group", "Appends in one transaction.", buckets=GROUPS, registry=of)
        self._append_s = Histogram(
            "relato_append_seconds", "One transaction of the ledger.", buckets=SECONDS, registry=of
        )

        # the library looks a child up under a lock, by its labels as texts; there are few, and they stay
        self._count_of = cache(self._requests.labels)
        self._seconds_of = cache(self._seconds.labels)
        self._command_of = cache(self._commands.labels)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        self._count_of(route, method, status).inc()
        self._seconds_of(route, method).observe(seconds)

    def count_command(self, outcome: Outcome) -> None:
        done = "recorded" if outcome.places else "unchanged"
        self._command_of("repeated" if outcome.repeated else done).inc()

    def count_refusal(self, code: str) -> None:
        """By the problem's code."""
        self._command_of(code).inc()

    def count_group(self, size: int, facts: int, seconds: float) -> None:
        """Of the ledger's writer: so many appends with so many facts in one transaction."""
        self._groups.observe(size)
        self._facts.inc(facts)
        self._append_s.observe(seconds)

    def read_from(self, read: Read) -> None:
        """Gauges that are read when they are asked for, at most once a second."""
        self.registry.register(Readings(read))


class Readings(Collector):
    """A database that is away says so in `relato_readable`; what is counted here is told all the same."""

    def __init__(self, read: Read) -> None:
        self._read, self._lock = read, Lock()
        self._found: Sequence[Reading] = ()
        self._is_readable, self._until = True, 0.0

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found, is_readable = self._look()
        yield GaugeMetricFamily("relato_readable", "1: the databases could be read.", value=float(is_readable))
        families: dict[str, GaugeMetricFamily] = {}
        for reading in found:
            labels, values = ([part] for part in reading.label) if reading.label else ([], [])
            family = families.setdefault(reading.name, GaugeMetricFamily(reading.name, reading.help, labels=labels))
            family.add_metric(values, reading.value)
        yield from families.values()

    def _look(self) -> tuple[Sequence[Reading], bool]:
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._found, self._is_readable = self._read(), True
                except UnavailableError:
                    self._found, self._is_readable = (), False
                self._until = time.monotonic() + REMEMBERED_S
            return self._found, self._is_readable


def add_metrics(app: FastAPI, parts: Parts) -> None:
    async def metrics(request: Request) -> Response:
        """For Prometheus: requests, commands, appends, how far every part has come. Administrators only."""
        if not (parts.loopback_reads_metrics and is_local(request.scope)):
            allowed((await parts.authenticate(request.scope)).roles, "operates")
        text = await parts.workers.run(generate_latest, parts.metrics.registry)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_1_0_0)

    told: dict[int | str, dict[str, Any]] = {
        200: {"description": "In Prometheus's text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    }
    app.add_api_route(
        "/metrics",
        metrics,
        methods=["GET"],
        tags=["health"],
        responses=told | problems_for(401, 403, 503),
        response_class=Response,
    )


def is_local(scope: Scope) -> bool:
    """Whether it comes from this machine, and not through a proxy that says so."""
    client = scope.get("client")
    if not client or any(name in FORWARDED for name, _ in scope["headers"]):
        return False
    return ipaddress.ip_address(client[0]).is_loopback
