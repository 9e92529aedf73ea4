"""The same through a real broker."""

from __future__ import annotations

import json
import re
import socket
import time

import pytest

from tests.acceptance.program import Relato, one

pytestmark = pytest.mark.kafka

MARKETING = ("--department", "marketing", "--from", "1", "--json")


def test_read_models_come_through_kafka_and_a_topic_is_published_anew(quick: Relato) -> None:
    before = quick.make("customer.register", name="Ana Souza")
    with quick.up("--kafka"):
        servers = {"RELATO_KAFKA": re.findall(r"Kafka is ready \((.*)\)", (quick.folder / "up.log").read_text())[0]}
        done = quick.do("customer.register", name="Bia Lima")
        rows = quick.rows("customers", "--wait", done["token"])
        assert {row["name"] for row in rows} == {"Ana Souza", "Bia Lima"}
        assert "crc32c\tfine" in quick.tell("doctor", **servers)
        quick.tell("republish", "crm.events.v1", **servers)
        token = quick.do("customer.amend", customer_id=before, country="PT")["token"]
        assert one(quick.rows("customers", "--wait", token, customer_id=before))["country"] == "PT"
        await_relays(quick)
        by_topic, by_ledger = (
            [fact(line) for line in quick.tell("tail", *MARKETING, *more, **servers).splitlines()]
            for more in (["--through", "kafka"], [])
        )
        assert by_topic == by_ledger
        assert len(by_topic) == 3
        assert quick("tail", "--through", "kafka", **servers).status == 2
    assert quick("tail", *MARKETING, "--through", "kafka").err.startswith("relato: No Kafka is in use")


def fact(line: str) -> object:
    return {name: value for name, value in json.loads(line).items() if name not in ("occurred_at", "recorded_at")}


def await_relays(relato: Relato) -> None:
    """Until every topic has what the ledger has."""
    deadline = time.monotonic() + 30
    while (status := relato.status())["relay_behind"] != 0:
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    assert set(status["relays"]) == {"crm.events.v1", "crm.sales.v1", "crm.marketing.v1", "crm.support.v1"}


def test_a_port_in_use_is_told(fresh: Relato) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (fresh.home / "kafka").mkdir(parents=True)
        fresh.home.chmod(0o711)
        (fresh.home / "kafka" / "port").write_text(f"{taken.getsockname()[1]}\n")
        said = fresh("up", "--kafka")
    assert said.status == 1
    assert said.err.startswith("relato: Another program listens on the broker's port")
