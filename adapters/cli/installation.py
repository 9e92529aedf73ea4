"""What the command line needs of an installation and of its deployment; the composition root provides both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from adapters.access.reading import Recorded
from domain.access.facts import Role, Rows
from domain.ports import EventLog, Ledger
from projections.disclosure import Disclosure, require
from streams.checkpoints.audit import RowAudit
from streams.checkpoints.checkpointer import Checkpointer, CheckpointStore

if TYPE_CHECKING:  # help must not wait for PostgreSQL's client and the importers to load
    import psycopg

    from adapters.attachments.files import AttachmentLog
    from adapters.documents.contents import OpenTopics
    from adapters.importers.importing import ImportVault
    from adapters.importers.progress import ImportProgress
    from adapters.kafka.partners import Limits
    from adapters.keys.ports import ContentStore
    from adapters.keys.rotation import Rotation
    from adapters.postgres.feeds import PostgresFeeds
    from adapters.postgres.partner_topics import PostgresPartnerTopics
    from adapters.postgres.quarantine import PostgresQuarantine
    from adapters.postgres.webhooks import PostgresWebhooks
    from adapters.webhooks.signing import Signer
    from domain.execute import Executor
    from projections.engine.readmodel import Service
    from projections.engine.sources import Log
    from projections.history import Identities
    from streams.eraser import Eraser
    from streams.feeds.delivery import Deliveries
    from streams.inbound.intake import Intake
    from streams.inbound.mending import Mending
    from streams.shares import Share


class WholeLedger(Ledger, EventLog, Protocol):
    """To append to and to read from."""


class AuditStore(CheckpointStore, RowAudit, Protocol):
    """Checkpoints, and what the database can check by itself."""


class AccessStore(AuditStore, Protocol):
    """Who read whose personal values, and checkpoints of that."""

    def of_persons(self, persons: Collection[UUID]) -> Sequence[Recorded]: ...


class Installation(Protocol):
    """An installation's parts, each opened when it is first asked for. Opening may raise UnavailableError."""

    @property
    def ledger(self) -> WholeLedger: ...
    @property
    def vault(self) -> ImportVault: ...
    @property
    def executor(self) -> Executor: ...
    @property
    def attachments(self) -> AttachmentLog: ...
    @property
    def contents(self) -> ContentStore: ...
    @property
    def eraser(self) -> Eraser: ...
    @property
    def identities(self) -> Identities: ...
    @property
    def checkpoints(self) -> AuditStore: ...
    @property
    def checkpointer(self) -> Checkpointer: ...
    @property
    def access_log(self) -> AccessStore: ...
    @property
    def access_checkpointer(self) -> Checkpointer: ...
    @property
    def import_progress(self) -> ImportProgress: ...
    @property
    def disclosure(self) -> Disclosure:
        """For the role that asks."""

    @property
    def feeds(self) -> PostgresFeeds: ...
    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def feed_disclosure(self) -> Disclosure:
        """For what an agreement names."""

    @property
    def intake(self) -> Intake: ...
    @property
    def mending(self) -> Mending: ...
    @property
    def quarantine(self) -> PostgresQuarantine: ...
    @property
    def webhooks(self) -> PostgresWebhooks: ...
    @property
    def webhook_signer(self) -> Signer: ...

    @property
    def partner_topics(self) -> PostgresPartnerTopics: ...

    def open_topics(self, feed: UUID) -> Sequence[OpenTopics]:
        """Those that a partner has for this feed."""

    @property
    def progress(self) -> Mapping[str, int]:
        """The positions of the single readers: relay, eraser."""

    @property
    def signed_at(self) -> datetime | None:
        """When the newest checkpoint was signed."""

    @property
    def connect(self) -> Callable[[str], psycopg.Connection[Any]]:
        """A session in a service's schema, to fold and to read; may be pickled."""

    @property
    def open_log(self) -> Callable[[], Log]:
        """What folds read, here always the ledger; may be pickled."""


class Check(NamedTuple):
    """One of doctor's findings; `advice` says what to do unless it is fine. `is_needed`: nothing runs without it."""

    name: str
    is_fine: bool
    found: str
    advice: str = ""
    is_needed: bool = True


class Saved(NamedTuple):
    """What a backup holds."""

    directory: Path
    position: int
    size_bytes: int
    master_key: str


class Restored(NamedTuple):
    """What a restore brought; `erased` counts the persons whom the backup held and who had been erased since."""

    position: int
    made_at: datetime
    erased: int
    erasures: int


class Stream(Protocol):
    """A topic that a relay fills meanwhile."""

    @property
    def open_log(self) -> Callable[[], Log]:
        """What folds read: the topic, mended from the ledger."""

    def wait(self, position: int, timeout_s: float) -> None:
        """Until all up to there is in the topic; UnavailableError when it is late."""


class Subscriber(NamedTuple):
    """A consumer group on one of our topics; `behind` counts records."""

    group: str
    topic: str
    behind: int


class OpenedTopic(NamedTuple):
    """A partner's topics and the settings of its clients; a `password` only when one was made.

    `is_checked`: with it, Kafka showed these topics alone; false where it could not be asked, None without a password.
    """

    topic: str
    inbound: str
    settings: Mapping[str, str]
    password: str | None
    is_checked: bool | None


class FeedStage(Protocol):
    """All that tells partners, as long as it is open; its API is at `url`."""

    url: str

    @property
    def check(self) -> Callable[[], None]:
        """Raises what a part of it failed with."""

    def open_topic(self, name: str, agreement_id: UUID) -> OpenedTopic | None:
        """Of an agreement's feed, for a user with a new password; None where there is no broker of ours."""


class Shares(Protocol):
    """A department's topic as it is read; `missing_before`: what was before there isn't in it any more."""

    @property
    def missing_before(self) -> int | None: ...
    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there when it was opened has been read."""

    def poll(self, timeout_s: float) -> Sequence[Share]: ...


class Deployment(Protocol):
    """How the installation is run where it is."""

    @property
    def principal(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def scope(self) -> Rows:
        """Whose rows the principal sees."""

    @property
    def time_zone(self) -> ZoneInfo: ...
    @property
    def attachment_types(self) -> Collection[str]:
        """Those that are taken."""

    @property
    def services(self) -> Sequence[Service]:
        """Those of the company's time zone."""

    def with_database(self, database: str | None) -> Deployment:
        """The same with another database, if one is given."""

    def elsewhere(self, home: Path, time_zone: str) -> Deployment:
        """An embedded installation of its own, with nothing of this one's but who asks."""

    def open(self) -> AbstractContextManager[Installation]:
        """Starts the embedded PostgreSQL for as long as it is needed, unless it runs or another one is given."""

    def open_stream(self, kafka: str) -> AbstractContextManager[Stream]:
        """Starts the embedded Kafka, or takes the one at HOST:PORT, and relays the ledger as long as it is open."""

    def open_feeds(self, kafka: str | None) -> AbstractContextManager[FeedStage]:
        """Runs feeds, webhooks and an API on loopback, with the embedded broker partners' topics too."""

    def open_share(self, department: str, after: int) -> AbstractContextManager[Shares]:
        """What a department's topic has beyond a position. Raises NoKafkaError."""

    def up(self, kafka: str | None, port: int | None, tell: Callable[[str], None], stop: Flag) -> None:
        """Runs everything until `stop`, and tells how it goes."""

    def list_subscribers(self) -> Sequence[Subscriber] | None:
        """Who follows our topics; None where no Kafka is in use."""

    def add_partner_topic(self, name: str, agreement_id: UUID, limits: Limits, *, rotate: bool) -> OpenedTopic: ...

    def remove_partner_topic(self, name: str, *, with_topics: bool) -> None: ...

    def run_relay(self, topics: Sequence[str], stop: Flag) -> None: ...

    def run_partner_topics(self, stop: Flag) -> None: ...

    def run_folds(self, services: Sequence[str], stop: Flag) -> None: ...

    def run_actors(self, stop: Flag) -> None: ...
    def run_webhooks(self, stop: Flag) -> None: ...
    def run_inbound(self, stop: Flag) -> None: ...
    def run_streams(self, stop: Flag, *, worker: bool) -> None: ...

    def run_api(self, host: str | None, port: int | None, stop: Flag) -> None: ...

    def republish(self, topic: str) -> None: ...

    def check(self) -> Sequence[Check]: ...

    def backup(self, directory: Path) -> Saved: ...

    def restore(self, directory: Path, *, over: bool, tombstones: Path | None) -> Restored: ...

    def rotate_master(self, *, prepare: bool) -> Rotation: ...


def deployment_of(ctx: typer.Context, act: str | None = None) -> Deployment:
    """What the root was given; NotAllowedError when the role may not do this (one of disclosure.ACTS)."""
    deployment: Deployment = ctx.find_root().obj
    if act:
        require(deployment.role, act, deployment.scope)
    return deployment
