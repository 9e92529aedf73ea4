"""The composition root: an installation's parts, made when they are first asked for and closed together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeVar
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.access.reading import Reading
from adapters.documents.contents import OpenTopics
from adapters.filters.cel import CelFilters, row_filter_checks
from adapters.keys.master import MasterKey, create_master_key
from adapters.keys.tombstones import RecordedErasures, TombstoneFile
from adapters.keys.vault import SealingVault
from adapters.postgres.access_log import PostgresAccessLog
from adapters.postgres.attachments import PostgresAttachments
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.feed_desk import PostgresFeedDesk
from adapters.postgres.feeds import PostgresFeeds
from adapters.postgres.inbound_told import PostgresTold
from adapters.postgres.key_purposes import PostgresKeyPurposes
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from adapters.postgres.led_lane import LedLane
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from adapters.postgres.libpq import first_line
from adapters.postgres.migrate import create_roles_and_databases, migrate
from adapters.postgres.partner_topics import PostgresPartnerTopics
from adapters.postgres.quarantine import PostgresQuarantine
from adapters.postgres.status import read_progress, read_signed_at
from adapters.postgres.tombstones import PostgresTombstones
from adapters.postgres.webhook_secrets import PostgresSecretPrints
from adapters.postgres.webhooks import PostgresWebhooks
from adapters.tracing.ledger import TracedLedger
from adapters.tracing.tracing import Tracing
from adapters.webhooks.addresses import Reach, endpoint_checks
from adapters.webhooks.signing import Signer
from deploy.settings import Settings
from deploy.shared_server import SharedServer
from domain.catalogue import REGISTRY
from domain.errors import RelatoError
from domain.execute import Executor
from domain.personal import KeyId
from projections.disclosure import GRANTS, IN_FEEDS, Disclosure, Grant
from projections.engine.schema import connect
from projections.engine.sources import Log
from streams.checkpoints.checkpointer import Checkpointer
from streams.eraser import Eraser
from streams.feeds.actor import FeedActor
from streams.feeds.closing import NAME as CLOSING
from streams.feeds.closing import Door, FeedCloser
from streams.feeds.delivery import Deliveries
from streams.inbound.intake import Intake
from streams.inbound.mending import Mending
from streams.inbound.sweeping import Sweeper

if TYPE_CHECKING:
    from adapters.postgres.import_progress import PostgresImportProgress

MIGRATIONS = Path(__file__).with_name("migrations")
LEDGER, KEYS = "relato", "relato_keys"


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class NotInstalledError(RelatoError):
    """The master key is missing although its databases exist: put it back, or set RELATO_MASTER_KEY_FILE."""


class NoAddressError(RelatoError):
    """--database is no address of a database; write one like postgresql://user@host/relato."""


class Databases(NamedTuple):
    """Connection strings, for their owner and for the application's role."""

    ledger_owner: str
    ledger: str
    keys_owner: str
    keys: str


def now() -> datetime:
    return datetime.now(UTC)


class Installation:
    """Use as a context: what it started and opened is stopped and closed at the end."""

    def __init__(self, settings: Settings, *, databases: Databases | None = None, part: str = "command line") -> None:
        """`databases`: others than those of the settings, made and migrated already. `part`: as traces name it."""
        self.settings, self._others, self._part = settings, databases, part
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def keep(self, part: C) -> C:
        """Closes it with the installation."""
        self._stack.callback(part.close)
        return part

    @cached_property
    def server(self) -> SharedServer | None:
        """The embedded PostgreSQL, started unless it runs; none when another is given."""
        return None if self.settings.database else self.keep(SharedServer(self.settings.home.absolute()))

    @cached_property
    def places(self) -> Databases:
        """Where the databases are, or are to be."""
        if self.server:
            owner, application = self.server.dsn, partial(self.server.dsn, user="relato_app")
            return Databases(owner(LEDGER), application(LEDGER), owner(KEYS), application(KEYS))
        ledger = self.settings.database or ""
        try:
            name = str(conninfo_to_dict(ledger).get("dbname") or LEDGER)
            keys = self.settings.keys_database or make_conninfo(ledger, dbname=f"{name}_keys")
            as_application = "-c role=relato_app"
            return Databases(
                make_conninfo(ledger, dbname=name),
                make_conninfo(ledger, dbname=name, options=as_application),
                keys,
                make_conninfo(keys, options=as_application),
            )
        except ProgrammingError as error:
            raise NoAddressError(reason=first_line(error)) from error

    @cached_property
    def databases(self) -> Databases:
        """Made and migrated to this release's form."""
        if self._others:
            return self._others
        found = self.places
        create_roles_and_databases(
            self.server.dsn() if self.server else self.settings.database or "",
            [str(conninfo_to_dict(dsn)["dbname"]) for dsn in (found.ledger_owner, found.keys_owner)],
        )
        migrate(found.ledger_owner, MIGRATIONS / "ledger")
        migrate(found.keys_owner, MIGRATIONS / "keys")
        return found

    @cached_property
    def ledger(self) -> PostgresLedger:
        return self.keep(PostgresLedger(self.databases.ledger))

    @cached_property
    def contents(self) -> PostgresContentStore:
        return self.keep(PostgresContentStore(self.databases.ledger))

    @cached_property
    def attachments(self) -> PostgresAttachments:
        return self.keep(PostgresAttachments(self.databases.ledger))

    @cached_property
    def vault(self) -> SealingVault:
        keys = self.keep(PostgresKeyStore(self.databases.keys))
        return SealingVault(keys, self.contents, self._master_key(keys))

    def _master_key(self, keys: PostgresKeyStore) -> MasterKey:
        if self.settings.master_key:
            return MasterKey.from_text(self.settings.master_key.get_secret_value())
        file = self.settings.key_file
        if not file.exists():
            if keys.has_secrets() and not file.exists():  # another process may be making this installation
                raise NotInstalledError(file=file)
            create_master_key(file)
        return MasterKey.from_file(file)

    @cached_property
    def tracing(self) -> Tracing | None:
        """None, and nothing of it loaded, where no collector is given."""
        if not self.settings.otlp_endpoint:
            return None
        from adapters.tracing.export import SpanExport  # noqa: PLC0415 loads OpenTelemetry

        about = {"service.namespace": self.settings.installation, "service.name": f"relato {self._part}"}
        return Tracing(self.keep(SpanExport(self.settings.otlp_endpoint, about)), self.settings.trace_ratio)

    @cached_property
    def executor(self) -> Executor:
        ledger = TracedLedger(self.ledger, self.tracing) if self.tracing else self.ledger
        checks = {**row_filter_checks(self.row_filters), **endpoint_checks(self.reach)}
        return Executor(ledger, self.vault, REGISTRY, clock=now, checks=checks)

    @property
    def reach(self) -> Reach:
        """Where webhooks may be sent."""
        return Reach(self.settings.webhook_networks, self.settings.webhook_plain)

    @cached_property
    def webhooks(self) -> PostgresWebhooks:
        return self.keep(PostgresWebhooks(self.databases.ledger))

    @cached_property
    def webhook_signer(self) -> Signer:
        return Signer(self.vault, self.keep(PostgresSecretPrints(self.databases.ledger)))

    @cached_property
    def row_filters(self) -> CelFilters:
        return CelFilters()

    @cached_property
    def feeds(self) -> PostgresFeeds:
        return self.keep(PostgresFeeds(self.databases.ledger))

    @cached_property
    def deliveries(self) -> Deliveries:
        source = f"/relato/{self.settings.installation}"
        return Deliveries(self.feeds, self.ledger, self.row_filters, self.vault.derive_id, source=source, clock=now)

    @cached_property
    def feed_actor(self) -> FeedActor:
        return FeedActor(PostgresFeedDesk(self.databases.ledger), self.row_filters)

    def feed_closer(self, doors: Sequence[Door]) -> FeedCloser:
        return FeedCloser(
            LedLane(self.databases.ledger, CLOSING),
            self.feeds,
            self.executor,
            self.vault.derive_id,
            patience=timedelta(days=self.settings.wind_down_days),
            clock=now,
            doors=doors,
        )

    @cached_property
    def intake(self) -> Intake:
        """The way in for partners' events."""
        told = self.keep(PostgresTold(self.databases.ledger, self.ledger, self.feeds))
        return Intake(self.executor, self.vault, told, self.quarantine, clock=now)

    @cached_property
    def mending(self) -> Mending:
        return Mending(self.intake, self.vault)

    @cached_property
    def sweeper(self) -> Sweeper:
        kept = timedelta(days=self.settings.quarantine_days)
        return Sweeper(self.quarantine, self.vault, kept=kept, clock=now)

    @cached_property
    def quarantine(self) -> PostgresQuarantine:
        return self.keep(PostgresQuarantine(self.databases.ledger))

    @cached_property
    def checkpoints(self) -> PostgresCheckpointStore:
        return self.keep(PostgresCheckpointStore(self.databases.ledger))

    @cached_property
    def checkpointer(self) -> Checkpointer:
        return Checkpointer(self.checkpoints, self.settings.installation, self._signer)

    @cached_property
    def access_log(self) -> PostgresAccessLog:
        return self.keep(PostgresAccessLog(self.databases.ledger))

    @cached_property
    def access_checkpointer(self) -> Checkpointer:
        """Of the access log; the name tells its heads from the ledger's."""
        return Checkpointer(self.access_log, f"{self.settings.installation}/access", self._signer)

    @cached_property
    def _signer(self) -> Ed25519PrivateKey:
        secret = self.vault.secret("signer", lambda: Ed25519PrivateKey.generate().private_bytes_raw())
        return Ed25519PrivateKey.from_private_bytes(secret)

    @cached_property
    def identities(self) -> PostgresErasures:
        return self.keep(PostgresErasures(self.databases.ledger))

    @cached_property
    def tombstones(self) -> PostgresTombstones:
        return self.keep(PostgresTombstones(self.databases.keys))

    @cached_property
    def eraser(self) -> Eraser:
        recorded = RecordedErasures(self.vault, TombstoneFile(self.settings.tombstones))
        return Eraser(self.identities, recorded, self.executor)

    @cached_property
    def import_progress(self) -> PostgresImportProgress:
        from adapters.postgres.import_progress import PostgresImportProgress  # noqa: PLC0415 loads the importers

        return self.keep(PostgresImportProgress(self.databases.ledger))

    @cached_property
    def disclosure(self) -> Disclosure:
        """For the role that asks."""
        return self._disclosure_of(GRANTS[self.settings.role])

    @cached_property
    def feed_disclosure(self) -> Disclosure:
        """For what an agreement names."""
        return self._disclosure_of(IN_FEEDS)

    def disclosure_to(self, partner_id: UUID, route: str) -> Disclosure:
        """For what an agreement names, read by its partner on this way."""
        return self._disclosure_of(IN_FEEDS, str(partner_id), route)

    @cached_property
    def _key_purposes(self) -> PostgresKeyPurposes:
        return self.keep(PostgresKeyPurposes(self.databases.keys))

    def _disclosure_of(self, grant: Grant, principal: str | None = None, route: str = "command line") -> Disclosure:
        keys, reader = self._key_purposes, principal or self.settings.principal

        def note(opened: Collection[KeyId]) -> None:
            persons = set(keys.persons(list(opened)).values())
            self.access_log.record([Reading(reader, route, persons)])

        return Disclosure(self.vault, keys, grant, on_opened=note)

    @cached_property
    def partner_topics(self) -> PostgresPartnerTopics:
        return self.keep(PostgresPartnerTopics(self.databases.ledger))

    def open_topics(self, feed: UUID) -> Sequence[OpenTopics]:
        """Those that a partner has for this feed."""
        names = [one.name for one in self.partner_topics.bindings() if one.feed == feed]
        if not names:
            return ()
        from deploy.kafka_parts import told_topics  # noqa: PLC0415 loads Kafka's client

        return [told_topics(self.settings, name) for name in names]

    @property
    def progress(self) -> Mapping[str, int]:
        return read_progress(self.databases.ledger)

    @property
    def signed_at(self) -> datetime | None:
        return read_signed_at(self.databases.ledger)

    @property
    def connect(self) -> Callable[[str], psycopg.Connection[Any]]:
        """A session in a service's schema, to fold and to read."""
        return partial(connect, self.databases.ledger)

    @property
    def open_log(self) -> Callable[[], Log]:
        """What is folded when no worker does it: the ledger."""
        return partial(LedgerSource, self.databases.ledger)
