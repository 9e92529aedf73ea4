"""What the API needs of an installation; the composition root provides it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from adapters.attachments.files import AttachmentLog
from adapters.attachments.media_types import DEFAULT_TYPES
from adapters.documents.contents import OpenTopics
from adapters.http.access_log import AccessLog
from adapters.http.live import LiveTopics
from adapters.http.metrics import Metrics
from adapters.http.news import OpenNews
from adapters.http.principal import Authenticate, Principal
from adapters.http.room import Room
from adapters.http.sse import Streams
from adapters.http.workers import Workers
from adapters.importers.background import Imports
from adapters.keys.ports import ContentStore
from adapters.postgres.webhooks import PostgresWebhooks
from adapters.tracing.tracing import Tracing
from domain.endpoint.decider import Endpoint
from domain.execute import Executor
from domain.ports import EventLog, Vault
from projections.asking import Condition, Order
from projections.disclosure import Disclosure, Grant
from projections.history import Identities
from projections.search.answer import Behind, Hit
from projections.search.fields import Kind, Share
from projections.search.question import Blind
from projections.view import View
from streams.feeds.delivery import Deliveries
from streams.inbound.intake import Intake
from streams.inbound.mending import Mending


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

    def search(
        self, blind: Blind, *, kinds: Sequence[Kind], shares: Sequence[Share], behind: Behind | None, limit: int
    ) -> Sequence[Hit]:
        """The texts of so many things at most, the best first."""

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
    streams, streams_each = 500, 100  # open at once, and of them one caller's
    heartbeat_s = 15.0  # at most so long nothing is heard on a stream
    stalled_s = 20.0  # a stream whose client takes nothing for so long is cut off
    reread_s = 1.0  # a read model page that is followed is read again at most so often
    tick_s = 60.0  # and at least so often, for what depends on the time
    requests_per_s: float | None = None  # of one principal
    failures_per_minute = 30  # keys that open nothing, of one address; 0: as many as come
    attachment_bytes = 100 * 1024 * 1024
    attachment_types: Collection[str] = DEFAULT_TYPES
    slowest_bytes_per_s = 16 * 1024  # of a file that is sent, on the whole
    reopened_s = 3.0  # a file that is being sent is opened again at most so often
    import_bytes = 2 << 30
    mapping_bytes = 256 * 1024
    transfers, transfers_each = 64, 16  # files on their way at once, in or out
    large_bodies, large_bodies_each = 8, 4  # that are held at once


@dataclass(frozen=True)
class Webhooks:
    """`find` raises UnknownError, RemovedError; `shown` is what verifies an endpoint's messages. Both block."""

    book: PostgresWebhooks
    find: Callable[[UUID], Endpoint]
    shown: Callable[[UUID, Endpoint], str]


@dataclass(frozen=True)
class Parts:
    """`disclosure` opens sealed values for somebody, as far as the grant goes: no value leaves by another way, and
    it tells `note_opened`, so that `access_log` knows whose they were.

    `faults`: what is missing for requests to be served, asked by /health/ready.
    `open_news` wakes who follows the ledger, `open_feed_news` who follows a feed; without them they ask twice a second.
    `live`: alerts and live windows, where Kafka is in use. `open_topics`: of a feed, those of its partner; it blocks.
    """

    executor: Executor
    vault: Vault
    log: EventLog
    attachments: AttachmentLog
    contents: ContentStore
    imports: Imports
    identities: Identities
    pages: Pages
    feeds: Deliveries
    webhooks: Webhooks
    intake: Intake
    mending: Mending
    disclosure: Callable[[Principal, Grant], Disclosure]
    access_log: AccessLog
    authenticate: Authenticate
    workers: Workers
    faults: Callable[[], Sequence[str]]
    limits: Limits = field(default_factory=Limits)
    streams: Streams = field(default_factory=lambda: Streams(Room(Limits.streams, Limits.streams_each)))
    transfers: Room = field(default_factory=lambda: Room(Limits.transfers, Limits.transfers_each))
    large_bodies: Room = field(default_factory=lambda: Room(Limits.large_bodies, Limits.large_bodies_each))
    open_news: OpenNews | None = None
    open_feed_news: OpenNews | None = None
    live: LiveTopics | None = None
    open_topics: Callable[[UUID], Sequence[OpenTopics]] = lambda _: ()
    metrics: Metrics = field(default_factory=Metrics)
    loopback_reads_metrics: bool = False
    logs_requests: bool = True
    tracing: Tracing | None = None
    cors_origins: Sequence[str] = ()
    version: str = "0"
