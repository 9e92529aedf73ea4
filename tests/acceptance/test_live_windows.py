"""Live windows as people meet them: commands go in, alerts and rows come out over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import psutil
import pytest

from tests.acceptance.program import Relato
from tests.acceptance.test_api import address_of, caller_of
from tests.relaying import await_true

pytestmark = [pytest.mark.kafka, pytest.mark.capability("C46"), pytest.mark.capability("C47")]


def test_a_burst_of_complaints_and_what_sellers_do_are_seen_at_once(fresh: Relato) -> None:
    fresh.environment["RELATO_COMPLAINTS"] = "3"
    with fresh.up("--kafka") as up, caller_of(address_of(fresh), issue_key(fresh)) as client:
        product, ana = made(client, "product/new/register", name="Jug"), made(client, "employee/new/hire", name="Ana")
        customer = made(client, "customer/new/register", name="Rui Lima")
        for _ in range(3):
            complaint = {"customer_id": customer, "category": "complaint", "product_id": product, "summary": "broken"}
            made(client, "ticket/new/open", **complaint)
        call = {"customer_id": customer, "channel": "telephone", "direction": "outbound", "employee_id": ana}
        made(client, "interaction/new/log", **call)
        await_true(lambda: bool(asked(client, "support/alerts").get("alerts")), 60)
        [alert] = asked(client, "support/alerts")["alerts"]
        assert (alert["type"], alert["subject_id"]) == ("crm.alert.complaints_burst.v1", product)
        await_true(lambda: bool(asked(client, "sales/activity").get("rows")))
        [row] = asked(client, "sales/activity")["rows"]
        assert (row["seller_id"], row["interactions"]) == (ana, 1)
        servers = re.findall(r"Kafka is ready \((.*)\)", (fresh.folder / "up.log").read_text())[0]
        assert "relato-windows-relato" in fresh.tell("status", "--json", RELATO_KAFKA=servers)
        running = psutil.Process(up.pid).children(recursive=True)
        assert any("--worker" in process.cmdline() for process in running)
    assert not [process for process in running if process.is_running()]
    lines = (fresh.home / "logs" / "streams.log").read_text().splitlines()
    assert all(line.startswith("relato: ") or json.loads(line) for line in lines)


def issue_key(relato: Relato) -> str:
    return relato.tell("key", "issue", "--role", "administrator").split()[-1]


def made(client: httpx.Client, path: str, **fields: Any) -> str:
    answer = client.post(f"/v1/{path}", json=fields)
    assert answer.status_code == 201, answer.text
    return str(next(reversed(answer.json()["ids"].values())))


def asked(client: httpx.Client, path: str) -> dict[str, Any]:
    """Empty while it cannot be told."""
    answer = client.get(f"/v1/{path}")
    return answer.json() if answer.status_code == 200 else {}
