"""The API as a process of its own, that may be killed, and a key that opens it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.access.api_key import new_key
from adapters.ids import uuid7
from deploy.processes import PARENT
from domain.access.facts import Role
from tests.backend import Backend
from tests.conftest import Databases
from tests.faults.system import ROOT, Part


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def api(own: Databases, master: str, port: int, tmp_path: Path) -> Iterator[Part]:
    given = {
        "RELATO_HOME": str(tmp_path),
        "RELATO_DATABASE": own.owner,
        "RELATO_KEYS_DATABASE": own.keys_owner,
        "RELATO_MASTER_KEY": master,
        "RELATO_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        PARENT: "1",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
    part = Part("api", [sys.executable, "-m", "deploy.main", "run", "api"], {**kept, **given}, tmp_path / "api.log")
    yield part
    part.kill()


def key_of(backend: Backend, role: Role) -> str:
    key = new_key(uuid7())
    backend.do("access.admit", access_id=key.access_id)
    backend.do("access.grant_role", access_id=key.access_id, role=role)
    backend.do("access.issue_key", access_id=key.access_id, hash=key.hash)
    return key.text
