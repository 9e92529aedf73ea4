"""A durable PostgreSQL that the tests here may kill, and a fresh pair of databases in it for each."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.server import PostgresServer
from tests.backend import Backend, new_master
from tests.conftest import Databases, create_pair
from tests.faults.serving import api, port

__all__ = ["api", "port"]  # fixtures

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def mortal() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="relato-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        server = PostgresServer(Path(folder) / "data")
        yield server
        server.kill()


@pytest.fixture
def server(mortal: PostgresServer) -> PostgresServer:
    mortal.start()
    return mortal


@pytest.fixture
def own(server: PostgresServer) -> Databases:
    number = next(_numbers)
    return create_pair(server, f"ledger_{number}", f"keys_{number}")


@pytest.fixture
def master() -> str:
    return new_master()


@pytest.fixture
def backend(own: Databases, master: str) -> Iterator[Backend]:
    with Backend.open(own.app, own.keys_app, master) as backend:
        yield backend
