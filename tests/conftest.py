"""One PostgreSQL for the whole run, a fresh pair of databases for each test that asks."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.migrate import connect, create_roles_and_databases, migrate
from adapters.postgres.server import PostgresServer
from tests.kafka_fixtures import cluster, events_topic, kafka, share_topic

__all__ = ["cluster", "events_topic", "kafka", "share_topic"]  # fixtures

MIGRATIONS = Path(__file__).parents[1] / "deploy" / "migrations"
MEMORY, ROOMY_BYTES = Path("/dev/shm"), 4 << 30
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """What we and every program that we start inherit: hundreds of them, and of databases, make their costs count."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs us in the background has it ignored
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)  # each database is hundreds of small files
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # every program we start would compile everything anew
        compiled = tempfile.TemporaryDirectory(prefix="relato-compiled-")
        os.environ["PYTHONPYCACHEPREFIX"] = compiled.name
        config.add_cleanup(compiled.cleanup)
    # most brokers live for seconds: what the second compiler makes of them is never run
    os.environ["JAVA_TOOL_OPTIONS"] = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} -XX:TieredStopAtLevel=1".strip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Java or Maven the tests of Kafka say so and are left out; CI sets RELATO_REQUIRE_KAFKA, and they fail."""
    if os.environ.get("RELATO_REQUIRE_KAFKA") or (shutil.which("java") and shutil.which("mvn")):
        return
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.skip(reason="needs Java 17 and Maven, for a real Apache Kafka"))


def pytest_sessionfinish() -> None:
    """What kafka-python left to the garbage collector is collected while the filters of pyproject.toml still hold."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"unclosed <socket\.socket.*0\.0\.0\.0", ResourceWarning)
        for _ in range(3):
            gc.collect()


@dataclass(frozen=True)
class Databases:
    """Connection strings: the owner's and the application's, for the ledger and for the keys."""

    owner: str
    app: str
    keys_owner: str
    keys_app: str


def databases_of(server: PostgresServer, ledger: str, keys: str) -> Databases:
    app = "relato_app"
    return Databases(server.dsn(ledger), server.dsn(ledger, app), server.dsn(keys), server.dsn(keys, app))


def create_pair(server: PostgresServer, ledger: str = "ledger", keys: str = "keys") -> Databases:
    create_roles_and_databases(server.dsn(), [ledger, keys])
    migrate(server.dsn(ledger), MIGRATIONS / "ledger")
    migrate(server.dsn(keys), MIGRATIONS / "keys")
    return databases_of(server, ledger, keys)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Without fsync, for these tests lose nothing that matters; those that kill a server start their own."""
    with tempfile.TemporaryDirectory(prefix="relato-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with PostgresServer(Path(folder) / "data", settings={"fsync": "off", "max_wal_size": "512MB"}) as server:
            yield server


@pytest.fixture(scope="session")
def template(postgres: PostgresServer) -> tuple[str, str]:
    """A migrated pair to be copied, which costs a third of making one."""
    names = ("ledger_template", "keys_template")
    create_pair(postgres, *names)
    return names


@contextmanager
def copied(postgres: PostgresServer, template: tuple[str, str]) -> Iterator[Databases]:
    """A pair that lasts as long as it is needed."""
    number = next(_numbers)
    names = (f"ledger_{number}", f"keys_{number}")
    with connect(postgres.dsn()) as db:
        for name, source in zip(names, template, strict=True):
            db.execute(f"create database {name} template {source} strategy file_copy".encode())
    yield databases_of(postgres, *names)
    with connect(postgres.dsn()) as db:
        for name in names:
            db.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def databases(postgres: PostgresServer, template: tuple[str, str]) -> Iterator[Databases]:
    with copied(postgres, template) as databases:
        yield databases


@pytest.fixture
def ledger(databases: Databases) -> Iterator[PostgresLedger]:
    ledger = PostgresLedger(databases.app)
    yield ledger
    ledger.close()
