"""The composition root: an installation's parts, made when they are first asked for and closed together."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.keys.master import MasterKey, create_master_key
from adapters.keys.vault import SealingVault
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.migrate import create_roles_and_databases, migrate
from adapters.postgres.server import PostgresServer
from deploy.settings import Settings
from domain.catalogue import REGISTRY
from domain.errors import RelatoError
from domain.execute import Executor
from streams.checkpoints.checkpointer import Checkpointer
from streams.eraser import Eraser

MIGRATIONS = Path(__file__).with_name("migrations")
LEDGER, KEYS = "relato", "relato_keys"


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class NotInstalledError(RelatoError):
    """The master key is missing although its databases exist: put it back, or set RELATO_MASTER_KEY_FILE."""


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

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
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
    def server(self) -> PostgresServer | None:
        """The embedded PostgreSQL, started unless it runs; none when another is given."""
        if self.settings.database:
            return None
        home = self.settings.home.absolute()
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        return self._stack.enter_context(PostgresServer(home / "postgres", log=home / "postgres.log"))

    @cached_property
    def databases(self) -> Databases:
        """Made and migrated to this release's form."""
        if self.server:
            create_roles_and_databases(self.server.dsn(), [LEDGER, KEYS])
            found = Databases(
                self.server.dsn(LEDGER),
                self.server.dsn(LEDGER, "relato_app"),
                self.server.dsn(KEYS),
                self.server.dsn(KEYS, "relato_app"),
            )
        else:
            found = self._given_databases()
        migrate(found.ledger_owner, MIGRATIONS / "ledger")
        migrate(found.keys_owner, MIGRATIONS / "keys")
        return found

    def _given_databases(self) -> Databases:
        ledger = self.settings.database or ""
        name = str(conninfo_to_dict(ledger).get("dbname") or LEDGER)
        keys = self.settings.keys_database or make_conninfo(ledger, dbname=f"{name}_keys")
        keys_name = str(conninfo_to_dict(keys).get("dbname") or KEYS)
        create_roles_and_databases(ledger, [name, keys_name])
        as_application = "-c role=relato_app"
        return Databases(
            ledger,
            make_conninfo(ledger, options=as_application),
            keys,
            make_conninfo(keys, options=as_application),
        )

    @cached_property
    def ledger(self) -> PostgresLedger:
        return self.keep(PostgresLedger(self.databases.ledger))

    @cached_property
    def vault(self) -> SealingVault:
        keys = self.keep(PostgresKeyStore(self.databases.keys))
        contents = self.keep(PostgresContentStore(self.databases.ledger))
        return SealingVault(keys, contents, self._master_key(keys))

    def _master_key(self, keys: PostgresKeyStore) -> MasterKey:
        if self.settings.master_key:
            return MasterKey.from_text(self.settings.master_key.get_secret_value())
        if not self.settings.key_file.exists():
            if keys.has_secrets():
                raise NotInstalledError(file=self.settings.key_file)
            create_master_key(self.settings.key_file)
        return MasterKey.from_file(self.settings.key_file)

    @cached_property
    def executor(self) -> Executor:
        return Executor(self.ledger, self.vault, REGISTRY, clock=now)

    @cached_property
    def checkpoints(self) -> PostgresCheckpointStore:
        return self.keep(PostgresCheckpointStore(self.databases.ledger))

    @cached_property
    def checkpointer(self) -> Checkpointer:
        secret = self.vault.secret("signer", lambda: Ed25519PrivateKey.generate().private_bytes_raw())
        return Checkpointer(self.checkpoints, self.settings.installation, Ed25519PrivateKey.from_private_bytes(secret))

    @cached_property
    def eraser(self) -> Eraser:
        return Eraser(self.keep(PostgresErasures(self.databases.ledger)), self.vault, self.executor)
