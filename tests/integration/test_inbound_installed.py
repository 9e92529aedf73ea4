"""A partner writes with the user that was made for it, and the installation takes it, until its topic is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from adapters.cli.installation import OpenedTopic
from deploy.inbound import reader_of
from tests.conftest import Databases
from tests.feeding import agree, product
from tests.partnering import Partnership, librdkafka, with_broker
from tests.relaying import await_true
from tests.sending import accepting, event
from tests.writing import binary

pytestmark = pytest.mark.kafka


@pytest.fixture
def shop(databases: Databases, tmp_path: Path) -> Iterator[Partnership]:
    with with_broker(databases, tmp_path) as shop:
        yield shop


@contextmanager
def reading(shop: Partnership) -> Iterator[None]:
    """What `relato run inbound` does, in a thread."""
    stop, reader = threading.Event(), reader_of(shop.installation)
    thread = threading.Thread(target=reader.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def produce(opened: OpenedTopic, content: dict[str, Any]) -> None:
    settings = {name: part for name, part in librdkafka(opened).items()
                if not name.startswith(("group", "auto", "enable"))}  # fmt: skip
    producer = Producer({**settings, "enable.idempotence": True, "log_level": 0})
    headers, value = binary(content)
    producer.produce(opened.inbound, value, headers=list(headers))
    assert producer.flush(30) == 0


def test_what_a_partner_writes_as_itself_is_taken_while_its_topic_is_open(shop: Partnership) -> None:
    agreement_id = agree(shop.backend, shop.partner_id, accepting("availability"))
    product_id = product(shop.backend, shop.partner_id)

    def reports() -> int:
        return len(shop.backend.ledger.load([product_id])) - 1

    with reading(shop):
        opened = shop.add("olaria", agreement_id)
        for n, level in enumerate(("low", "in_stock")):
            produce(opened, event("availability", {"product_id": str(product_id), "level": level}, str(n)))
        await_true(lambda: reports() == 2, 60)
    newest = shop.backend.ledger.load([product_id])[-1]
    assert (newest.actor, newest.origin) == (str(shop.partner_id), "partner")
    produce(opened, event("availability", {"product_id": str(product_id), "level": "low"}, "late"))
    shop.remove("olaria")
    with reading(shop):
        other = shop.add("vidros", agreement_id)
        produce(other, event("availability", {"product_id": str(product_id), "level": "out_of_stock"}, "other"))
        await_true(lambda: reports() == 3, 60)
    assert getattr(shop.backend.ledger.load([product_id])[-1].fact, "level", None) == "out_of_stock"
