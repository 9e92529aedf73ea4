"""Who runs the API sees how it fares, in metrics and in logs, and nobody in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from adapters.access.api_key import new_key
from adapters.http.metrics import Metrics, Reading
from adapters.http.parts import Limits
from adapters.ids import uuid7
from domain.access.facts import Role
from domain.errors import UnavailableError
from tests.conftest import Databases
from tests.http_api import HttpApi, served

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Seldom(Limits):
    requests_per_s = 0.5


class Guarded(Limits):
    failures_per_minute = 2


@pytest.fixture
def lines() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def metrics_of(api: HttpApi) -> dict[str, float]:
    answer = api.client.get("/metrics", headers={"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"})
    assert answer.status_code == 200
    rows = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def test_metrics_count_requests_commands_and_appends(databases: Databases) -> None:
    metrics = Metrics()
    metrics.read_from(lambda: [Reading("relato_lag_facts", "Behind.", 7, ("service", "sales"))])
    with served(databases, metrics=metrics) as api:
        api.backend.ledger.watch_groups(metrics.count_group)
        customer = api.register(name="Ana Lima")
        for _ in range(2):
            api.give("customer/new/register", {}, Idempotency_Key="one")
        api.give(f"customer/{customer}/register", {})
        api.give("batch", {"commands": [{"command": "customer.register"}, {"command": "customer.nothing"}]})
        api.client.get(f"/v1/{customer}/somewhere")
        found = metrics_of(api)
    register = 'route="/v1/customer/{id}/register"'
    assert found[f'relato_requests_total{{method="POST",{register},status="201"}}'] == 2
    assert found['relato_requests_total{method="GET",route="none",status="404"}'] == 1
    assert found[f'relato_request_seconds_count{{method="POST",{register}}}'] == 4
    assert found['relato_commands_total{outcome="recorded"}'] == 3
    assert found['relato_commands_total{outcome="repeated"}'] == 1
    assert found['relato_commands_total{outcome="unknown-command"}'] == 1
    assert found["relato_append_group_count"] >= 3
    assert found["relato_appended_facts_total"] >= 3
    assert found['relato_lag_facts{service="sales"}'] == 7
    assert found["relato_readable"] == 1
    assert not any(customer in name for name in found)


def test_metrics_are_told_when_the_databases_are_away(databases: Databases) -> None:
    def away() -> list[Reading]:
        raise UnavailableError("gone")

    metrics = Metrics()
    metrics.read_from(away)
    with served(databases, metrics=metrics) as api:
        found = metrics_of(api)
    assert found["relato_readable"] == 0
    assert "relato_requests_under_way" in found


def test_only_administrators_read_the_metrics(databases: Databases) -> None:
    with served(databases) as api:
        assert api.client.get("/metrics").status_code == 401
        sales = {"Authorization": f"Bearer {api.key(Role.SALES).text}"}
        assert api.client.get("/metrics", headers=sales).status_code == 403


def test_this_machine_reads_the_metrics_where_a_setting_says_so(databases: Databases) -> None:
    with served(databases, loopback_reads_metrics=True) as api:
        assert api.client.get("/metrics").status_code == 200
        assert api.client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 401


def test_a_request_leaves_a_line_that_names_no_one(
    databases: Databases, lines: list[structlog.typing.EventDict]
) -> None:
    with served(databases, logs_requests=True) as api:
        key = api.key(Role.ADMINISTRATOR)
        answer = api.give("customer/new/register", {"name": "Ana Lima"}, X_Request_ID="order 17 of Ana")
        api.ask("/v1/sales/pipeline", filter="customer_name=Ana Lima")
        api.client.get("/health/live")
    told = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"]) for line in told] == [
        ("POST", "/v1/customer/{id}/register"),
        ("GET", "/v1/sales/pipeline"),
    ]
    assert told[0]["status"] == 201
    assert told[0]["seconds"] > 0
    assert told[0]["correlation_id"] == answer.headers["x-request-id"]
    assert told[0]["principal"] == told[1]["principal"]
    text = json.dumps(told)
    assert not any(word in text for word in ("Ana", "Lima", key.text, str(key.access_id)))


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("X-Request-ID", "0199b0c2-0000-7000-8000-000000000001", "0199b0c2-0000-7000-8000-000000000001"),
        ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01", str(UUID(hex=TRACE))),
        ("X-Request-ID", "web 17", None),
        ("traceparent", "nonsense", None),
    ],
)
def test_what_the_caller_calls_a_request_correlates_its_facts(
    databases: Databases, header: str, value: str, expected: str | None
) -> None:
    named: dict[str, Any] = {header.replace("-", "_"): value}
    with served(databases) as api:
        answer = api.give("customer/new/register", {}, **named)
        single = api.backend.ledger.read(0, 100)[-1].correlation_id
        many = [{"command": "customer.register"}] * 2
        api.give("batch", {"commands": many}, **named)
        batch = {event.correlation_id for event in api.backend.ledger.read(0, 100)[-2:]}
    assert answer.headers["x-request-id"] == str(single)
    assert len(batch) == 1
    assert expected in (None, str(single))
    assert expected is None or batch == {single}


def test_who_asks_too_often_is_told_when_to_come_back(databases: Databases) -> None:
    with served(databases, limits=Seldom()) as api:
        api.key(Role.SALES)
        answers = [api.give("customer/new/register", {}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 429, 429]
        assert answers[1].json()["code"] == "too-many"
        assert answers[1].headers["retry-after"] in {"1", "2"}
        assert api.give("customer/new/register", {}, role=Role.SALES).status_code == 201
        assert api.client.get("/health/live").status_code == 200


def test_the_trace_is_the_correlation_id_also_beside_a_proxys_own(databases: Databases) -> None:
    with served(databases) as api:
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "of the proxy"}
        answer = api.client.get("/health/live", headers=headers)
    assert answer.headers["x-request-id"] == str(UUID(hex=TRACE))


def test_who_guesses_keys_is_told_to_wait_and_a_known_caller_is_not_hindered(databases: Databases) -> None:
    with served(databases, limits=Guarded()) as api:
        api.fold()
        assert api.ask("/v1/sales/teams", role=Role.SALES).status_code == 200
        answers = [api.ask("/v1/sales/teams", role=new_key(uuid7())) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert answers[-1].json()["code"] == "guessing"
        assert answers[-1].headers["retry-after"] in {"29", "30"}
        assert api.ask("/v1/sales/teams", role=Role.SALES).status_code == 200
