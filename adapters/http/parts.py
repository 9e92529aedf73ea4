"""What the API needs of an installation; the composition root provides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from adapters.http.access_log import AccessLog
from adapters.http.metrics import Metrics
from adapters.http.principal import Authenticate, Principal
from adapters.http.sse import Streams
from adapters.http.tail import News
from adapters.http.workers import Workers
from domain.execute import Executor
from domain.ports import EventLog, Vault
from projections.asking import Condition, Order
from projections.disclosure import Disclosure, Grant
from projections.history import Identities
from projections.view import View


class Pages(Protocol):
    """Read models, page by page. Raises InvalidError for a filter that does not fit, UnavailableError."""

    def read(
        self,
        service: str,
        view: View,
        conditions: Sequence[Condition] = (),
        order: Order = (),
        *,
        after: Sequence[str | None] | None = None,
        limit: int,
        customer_id: UUID | None = None,
    ) -> Sequence[tuple[Any, ...]]: ...

    def count_behind(self, service: str, places: Mapping[int, int]) -> int:
        """How many bookmarks of the service's live read models are not at these places yet."""

    def marks(self, service: str) -> str:
        """A text that differs whenever one of the service's live read models has moved on."""


class Limits:
    """Where the API stops; settings may say otherwise."""

    body_bytes = 32 * 1024 * 1024  # a value may have 16 MiB, and JSON escapes it
    body_s = 20.0
    command_s = 10.0
    fold_s = 2.0  # how long a read waits for what its token names
    batch = 1_000
    streams = 500  # open at once
    heartbeat_s = 15.0  # at most so long nothing is heard on a stream
    stalled_s = 20.0  # a stream whose client takes nothing for so long is cut off
    reread_s = 1.0  # a read model page that is followed is read again at most so often
    tick_s = 60.0  # and at least so often, for what depends on the time
    requests_per_s: float | None = None  # of one principal


@dataclass(frozen=True)
class Parts:
    """`disclosure` opens sealed values for somebody, as far as the grant goes: no value leaves by another way, and
    it tells `note_opened`, so that `access_log` knows whose they were.

    `faults`: what is missing for requests to be served, asked by /health/ready.
    `open_news` wakes who follows the ledger; without it they ask twice a second.
    """

    executor: Executor
    vault: Vault
    log: EventLog
    identities: Identities
    pages: Pages
    disclosure: Callable[[Principal, Grant], Disclosure]
    access_log: AccessLog
    authenticate: Authenticate
    workers: Workers
    faults: Callable[[], Sequence[str]]
    limits: Limits = field(default_factory=Limits)
    streams: Streams = field(default_factory=lambda: Streams(Limits.streams))
    open_news: Callable[[], News] | None = None
    metrics: Metrics = field(default_factory=Metrics)
    loopback_reads_metrics: bool = False
    logs_requests: bool = True
    cors_origins: Sequence[str] = ()
    version: str = "0"
