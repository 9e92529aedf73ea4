"""What a feed's document says of Kafka is so: where a partner comes in, what it reads, and what it may write."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from confluent_kafka import Consumer, Message, Producer

from adapters.cli.installation import OpenedTopic
from adapters.documents.feed import Document, FeedDocuments
from deploy.inbound import reader_of
from streams.feeds.disclosing import TOMBSTONE, WITHHELD
from streams.inbound.quarantine import State
from streams.inbound.types import TYPES
from tests.conftest import Databases
from tests.documented import require_record, schema_in
from tests.feeding import place, product
from tests.partnering import Partnership, librdkafka, with_broker
from tests.relaying import await_true

pytestmark = pytest.mark.kafka
ACCEPTS = [{"type": type_} for type_ in TYPES]


@pytest.fixture
def shop(databases: Databases, tmp_path: Path) -> Iterator[Partnership]:
    with with_broker(databases, tmp_path) as shop:
        yield shop


def asyncapi_of(shop: Partnership, feed: UUID) -> Document:
    deliveries, topics = shop.installation.deliveries, shop.installation.open_topics(feed)
    return FeedDocuments(feed, deliveries.agreement(feed), 1, deliveries.source_of(feed), topics).asyncapi


def read(opened: OpenedTopic, count: int) -> list[Message]:
    consumer = Consumer(librdkafka(opened))
    consumer.subscribe([opened.topic])
    found: list[Message] = []
    while len(found) < count:
        found += [one for one in consumer.consume(count, 30) if not one.error()]
    consumer.close()
    return found


def write(opened: OpenedTopic, asyncapi: Document) -> None:
    """The examples of all messages that the document has for the topic."""
    settings = {name: part for name, part in librdkafka(opened).items()
                if not name.startswith(("group", "auto", "enable"))}  # fmt: skip
    producer = Producer({**settings, "log_level": 0})
    for name in asyncapi["channels"][opened.inbound]["messages"]:
        message = asyncapi["components"]["messages"][name]
        (example,) = message["examples"]
        headers = example.get("headers", {"content-type": message["contentType"]})
        producer.produce(opened.inbound, json.dumps(example["payload"]), headers=headers)
    assert producer.flush(30) == 0


def test_a_partner_comes_in_reads_and_writes_as_its_document_says(shop: Partnership) -> None:
    feed = shop.agree(accepts=ACCEPTS)
    assert "kafka-1" not in asyncapi_of(shop, feed)["servers"]
    opened = shop.add("olaria", feed)
    asyncapi = asyncapi_of(shop, feed)
    server, protocols = asyncapi["servers"]["kafka-1"], {"kafka": "SASL_PLAINTEXT"}
    assert server["host"] == opened.settings["bootstrap.servers"]
    assert protocols[server["protocol"]] == opened.settings["security.protocol"]
    assert str(opened.password) not in json.dumps(asyncapi)
    groups = asyncapi["operations"][f"send.{opened.topic}"]["bindings"]["kafka"]["groupId"]
    schema_in(asyncapi, groups).validate(opened.settings["group.id"])

    item, ana = product(shop.backend, shop.partner_id), shop.backend.customer(name="Ana")
    place(shop.backend, ana, item)
    place(shop.backend, shop.backend.customer(name="Rui"), item)
    shop.enter()
    with shop.relaying():
        shop.await_sent("olaria", 2)
        shop.backend.do("customer.erase", customer_id=ana)
        shop.enter()
        shop.await_sent("olaria", 3)
        records = read(opened, 2)
    types = [dict(record.headers())["ce_type"].decode() for record in records]
    assert types[-1] == TOMBSTONE
    assert WITHHELD not in types
    for record in records:
        require_record(asyncapi, record.key(), record.value(), dict(record.headers()))

    write(opened, asyncapi)
    stop, reader = threading.Event(), reader_of(shop.installation)
    thread = threading.Thread(target=reader.run, args=(stop,))
    thread.start()
    try:
        quarantine = shop.installation.quarantine
        await_true(lambda: len(quarantine.read(feed, State.HELD, limit=10)) == 3, 60)
        assert {one.code for one in quarantine.read(feed, limit=10)} == {"unknown"}
        name = shop.installation.intake.name(shop.partner_id, "/erp", "lead-42")
        await_true(lambda: quarantine.taken(name) is not None, 60)
    finally:
        stop.set()
        thread.join(60)
