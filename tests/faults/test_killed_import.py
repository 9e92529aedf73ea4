"""The API is killed while it imports: no clear data stays behind, and the same upload goes on and doubles nothing."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.access.api_key import new_key
from adapters.ids import uuid7
from deploy.processes import PARENT
from domain.access.facts import Role
from domain.customer.facts import CustomerRegistered
from tests.backend import Backend
from tests.conftest import Databases
from tests.faults.system import ROOT, Part

ROWS, PATIENCE_S = 20_000, 90.0
MAPPING = """
language = 1
source = "shop"
title = "The shop's customers"
[files.customers]
identity = [{ column = "number" }]
[[rules]]
name = "customer"
command = "customer.register"
fields = { customer_id = { id = "shop-customer", of = [{ column = "number" }] }, name = { column = "name" } }
"""
FILE = b"number,name\n" + b"".join(b"%d,Ana %d\n" % (n, n) for n in range(ROWS))


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


def administrator(backend: Backend) -> str:
    key = new_key(uuid7())
    backend.do("access.admit", access_id=key.access_id)
    backend.do("access.grant_role", access_id=key.access_id, role=Role.ADMINISTRATOR)
    backend.do("access.issue_key", access_id=key.access_id, hash=key.hash)
    return key.text


def wait(what: Callable[[], Any], api: Part) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found := what():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(api.told())


def registered(backend: Backend) -> Counter[Any]:
    events = backend.ledger.read(0, 10 * ROWS)
    return Counter(event.stream_id for event in events if event.type == CustomerRegistered.TYPE)


def send(client: httpx.Client, mapping: str) -> str | None:
    answer = client.post("/v1/imports", params={"mapping": mapping, "name": "customers.csv"}, content=FILE)
    return str(answer.json()["import_id"]) if answer.status_code == 202 else None


def test_an_import_that_was_killed_leaves_nothing_in_clear_and_goes_on_when_it_is_sent_again(
    backend: Backend, api: Part, port: int, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {administrator(backend)}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        api.start()
        mapping = wait(lambda: client.post("/v1/mappings", content=MAPPING).json()["mapping"], api)
        first = wait(lambda: send(client, mapping), api)
        wait(lambda: registered(backend), api)
        api.kill()
        wait(lambda: not [*tmp_path.rglob("customers.csv")], api)
        assert 0 < len(registered(backend)) < ROWS
        api.start()
        assert wait(lambda: client.get(f"/v1/imports/{first}").json()["state"], api) == "interrupted"
        second = wait(lambda: send(client, mapping), api)
        told = wait(lambda: one if (one := client.get(f"/v1/imports/{second}").json())["ended_at"] else None, api)
    assert told["state"] == "done"
    assert told["report"]["files"][0]["started_at_row"] > 0
    assert set(registered(backend).values()) == {1}
    assert len(registered(backend)) == ROWS
