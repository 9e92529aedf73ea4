"""The API is killed while it imports: no clear data stays behind, and the same upload goes on and doubles nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from domain.access.facts import Role
from domain.customer.facts import CustomerRegistered
from tests.backend import Backend
from tests.faults.serving import key_of
from tests.faults.system import Part

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
    headers = {"Authorization": f"Bearer {key_of(backend, Role.ADMINISTRATOR)}"}
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
