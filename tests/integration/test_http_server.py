"""The server: what it accepted it finishes, and it starts where it can be reached."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from adapters.http.server import PortTakenError, listen
from domain.access.facts import Role
from tests.conftest import Databases
from tests.http_api import Answer, served

ORIGIN = "https://crm.example"


def test_what_was_accepted_is_finished_before_the_server_ends(databases: Databases) -> None:
    answers: list[Answer] = []
    with psycopg.connect(databases.owner) as blocking:
        with served(databases) as api:
            api.register()
            blocking.execute("lock table ledger.fact in share mode")
            caller = threading.Thread(target=lambda: answers.append(api.give("customer/new/register", {})))
            caller.start()
            time.sleep(0.5)
            threading.Timer(0.5, blocking.rollback).start()
        caller.join()
    assert [answer.status_code for answer in answers] == [201]


def test_a_command_without_an_answer_in_time_is_repeated_and_happens_once(databases: Databases) -> None:
    order: dict[str, Any] = {"path": "product/new/register", "body": {"name": "Chair"}, "Idempotency_Key": "one"}
    with served(databases) as api:
        api.register()
        with psycopg.connect(databases.owner) as blocking:
            blocking.execute("lock table ledger.fact in share mode")
            unknown = api.give(**order)
            assert (unknown.status_code, unknown.json()["code"]) == (504, "outcome-unknown")
            assert unknown.headers["retry-after"]
        again = api.give(**order)
        assert again.status_code in {200, 201}
        written = [event.type for event in api.backend.ledger.read(0, 100)]
        assert written.count("crm.product.registered.v1") == 1


def test_a_port_that_is_taken_is_told(databases: Databases) -> None:
    del databases
    with listen("127.0.0.1", 0) as listener, pytest.raises(PortTakenError, match="--port"):
        listen("127.0.0.1", listener.getsockname()[1])


def test_another_sites_pages_may_ask_only_where_a_setting_says_so(databases: Databases) -> None:
    with served(databases, cors_origins=(ORIGIN,)) as api:
        preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        asked = api.client.options("/v1/customer/new/register", headers=preflight)
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        answer = api.give("customer/new/register", {}, Origin=ORIGIN)
        assert "ETag" in answer.headers["access-control-expose-headers"]
        refused = api.client.options("/v1/batch", headers=preflight | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers


def test_other_methods_are_refused_as_problems(databases: Databases) -> None:
    with served(databases) as api:
        for method, path in (("GET", "/v1/customer/new/register"), ("DELETE", "/v1/sales/pipeline")):
            answer = api.client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (405, "method")
            assert answer.headers["allow"]
        assert api.ask("/v1/sales/pipeline", role=Role.SALES).json()["code"] == "nothing-folded"
