"""A partner's Kafka topic as its users have it: opened by one command, read with what that printed, closed again."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from confluent_kafka import Consumer

from adapters.ids import uuid7
from tests.acceptance.program import Relato, one
from tests.acceptance.test_api import address_of, caller_of
from tests.relaying import await_true

pytestmark = pytest.mark.kafka
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"]}
TERMS = {"purpose": "to deliver", "shows": [CUSTOMERS], "scope": "all"}
PATIENCE_S = 60.0


def read(properties: str, topic: str, count: int) -> list[Any]:
    """As a partner does, with the file that it was given."""
    settings = dict(line.split("=", 1) for line in properties.splitlines() if line and not line.startswith("#"))
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            found.append(json.loads(message.value()))
    consumer.commit(asynchronous=False)
    consumer.close()
    return found


@pytest.mark.capability("C64")
def test_a_partner_reads_its_feed_from_kafka_with_what_was_printed(quick: Relato) -> None:
    partner = quick.make("partner.register", name="Luz", kind="supplier")
    agreement = quick.make("agreement.draft", partner_id=partner, terms=TERMS)
    quick.do("agreement.activate", agreement_id=agreement)
    add = ("partner", "add", "luz", "--agreement", agreement)
    assert quick(*add).err.startswith("relato: No Kafka is in use")
    with quick.up("--kafka"):
        servers = {"RELATO_KAFKA": re.findall(r"Kafka is ready \((.*)\)", (quick.folder / "up.log").read_text())[0]}
        said = quick(*add, **servers)
        assert said.status == 0, said
        assert "was not checked" not in said.err
        require_told(quick, agreement, said.out, servers)
        quick.make("customer.register", name="Ana Souza", country="PT")
        quick.make("customer.register", name="Bia Lima", country="ES")
        assert [told["name"] for told in read(said.out, "crm.partner.luz.v1", 2)] == ["Ana Souza", "Bia Lima"]

        again = quick(*add, **servers)
        assert "sasl.password" not in again.out
        assert "--rotate" in again.err
        await_true(lambda: listed(quick)["sent"] == 2, PATIENCE_S)  # it is noted after the partner could read it
        row = listed(quick)
        assert (row["name"], row["agreement_id"], row["behind"]) == ("luz", agreement, 0)
        topic = one(quick.status()["partner_topics"])
        assert topic == {"name": "crm.partner.luz.v1", "agreement_id": agreement, "sent": 2, "behind": 0}
        assert set(quick.status()["relays"]) == {"crm.events.v1", "crm.sales.v1", "crm.marketing.v1", "crm.support.v1"}
        subscribers = json.loads(quick.tell("status", "--json", **servers))["subscribers"]
        assert {"group": "partner-luz.feed", "topic": "crm.partner.luz.v1", "behind": 0} in subscribers

        quick.tell("republish", "crm.partner.luz.v1", **servers)
        rotated = quick(*add, "--rotate", **servers)
        assert len(read(rotated.out.replace("luz.feed", "luz.again"), "crm.partner.luz.v1", 2)) == 2
        assert read_password(rotated.out) not in kept(quick)
        assert read_password(said.out) not in kept(quick)

        refused = [
            ("partner", "add", "Luz", "--agreement", agreement),
            ("partner", "add", "sol", "--agreement", partner),
            ("partner", "remove", "sol"),
            ("--role", "sales", "partner", "list"),
        ]
        assert [quick(*wrong, **servers).status for wrong in refused] == [1, 1, 1, 1]
        assert quick("partner", "add", "sol", "--agreement", "x", **servers).status == 2
        assert quick("partner", "add", "sol", "--agreement", uuid7(), **servers).status == 1
        quick.tell("partner", "remove", "luz", "--with-topics", **servers)
        assert quick.tell("partner", "list", "--json") == ""


def listed(relato: Relato) -> dict[str, Any]:
    return one([json.loads(line) for line in relato.tell("partner", "list", "--json").splitlines()])


def require_told(relato: Relato, agreement: str, properties: str, servers: dict[str, str]) -> None:
    """The feed's document says where and as whom, on the command line and over HTTP, but for the password."""
    relato.tell("feed", "documents", agreement, "--out", relato.folder / "feed", **servers)
    key = relato.tell("key", "issue", "--role", "administrator").strip()
    with caller_of(address_of(relato), key) as caller:
        documents = [(relato.folder / "feed" / "asyncapi.json").read_text(),
                     caller.get(f"/v1/feeds/{agreement}/asyncapi.json").text]  # fmt: skip
    for document in documents:
        server = json.loads(document)["servers"]["kafka-1"]
        assert f"bootstrap.servers={server['host']}\n" in properties
        assert server["protocol"] == "kafka"
        assert "crm.partner.luz.v1" in json.loads(document)["channels"]
        assert "partner-luz" in document
        assert read_password(properties) not in document


def read_password(properties: str) -> str:
    return re.findall(r"^sasl.password=(.+)$", properties, re.MULTILINE)[0]


def kept(relato: Relato) -> str:
    """All that the parts have written to their logs."""
    return "".join(file.read_text() for file in [*relato.home.glob("logs/*"), relato.folder / "up.log"])
