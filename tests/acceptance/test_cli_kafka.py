"""The same through a real broker."""

from __future__ import annotations

import re
import socket

import pytest

from tests.acceptance.program import Relato, one

pytestmark = pytest.mark.kafka


def test_read_models_come_through_kafka_and_a_topic_is_published_anew(fresh: Relato) -> None:
    before = fresh.make("customer.register", name="Ana Souza")
    with fresh.up("--kafka"):
        servers = {"RELATO_KAFKA": re.findall(r"Kafka is ready \((.*)\)", (fresh.folder / "up.log").read_text())[0]}
        done = fresh.do("customer.register", name="Bia Lima")
        rows = fresh.rows("customers", "--wait", done["token"])
        assert {row["name"] for row in rows} == {"Ana Souza", "Bia Lima"}
        assert "crc32c\tfine" in fresh.tell("doctor", **servers)
        fresh.tell("republish", "crm.events.v1", **servers)
        token = fresh.do("customer.amend", customer_id=before, country="PT")["token"]
        assert one(fresh.rows("customers", "--wait", token, customer_id=before))["country"] == "PT"
        assert fresh.status()["relay_behind"] is not None


def test_a_port_in_use_is_told(fresh: Relato) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (fresh.home / "kafka").mkdir(parents=True)
        fresh.home.chmod(0o711)
        (fresh.home / "kafka" / "port").write_text(f"{taken.getsockname()[1]}\n")
        said = fresh("up", "--kafka")
    assert said.status == 1
    assert said.err.startswith("relato: Another program listens on the broker's port")
