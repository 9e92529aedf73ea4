"""One PostgreSQL for the whole run, a fresh pair of databases for each test that asks."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.migrate import connect, create_roles_and_databases, migrate
from adapters.postgres.server import PostgresServer

MIGRATIONS = Path(__file__).parents[2] / "deploy" / "migrations"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Databases:
    """Connection strings: the owner's and the application's, for the ledger and for the keys."""

    owner: str
    app: str
    keys_owner: str
    keys_app: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="relato-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with PostgresServer(Path(folder) / "data") as server:
            yield server


@pytest.fixture
def databases(postgres: PostgresServer) -> Iterator[Databases]:
    number = next(_numbers)
    ledger, keys = f"ledger_{number}", f"keys_{number}"
    create_roles_and_databases(postgres.dsn(), [ledger, keys])
    migrate(postgres.dsn(ledger), MIGRATIONS / "ledger")
    migrate(postgres.dsn(keys), MIGRATIONS / "keys")
    yield Databases(
        postgres.dsn(ledger), postgres.dsn(ledger, "relato_app"), postgres.dsn(keys), postgres.dsn(keys, "relato_app")
    )
    with connect(postgres.dsn()) as db:
        for name in (ledger, keys):
            db.execute(f"drop database {name} with (force)")


@pytest.fixture
def ledger(databases: Databases) -> Iterator[PostgresLedger]:
    ledger = PostgresLedger(databases.app)
    yield ledger
    ledger.close()
