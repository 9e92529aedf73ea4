"""What partners write to their Kafka topics is taken as what they send over HTTP is: once, in order, whatever comes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer

from adapters.kafka.admin import ensure_topics, recreate_topic
from adapters.kafka.cluster import Cluster
from adapters.postgres.inbound_desk import PostgresReaderDesk
from streams.inbound.quarantine import State
from streams.topics import TopicSpec, inbound_topic
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.feeding import agree, partner, product
from tests.relaying import await_true
from tests.sending import accepting, event
from tests.writing import Taking, binary, structured, write

pytestmark = pytest.mark.kafka
_numbers = itertools.count(1)


@pytest.fixture
def taking(databases: Databases) -> Iterator[Taking]:
    with (
        Backend.open(databases.app, databases.keys_app, new_master()) as backend,
        Taking.over(databases, backend) as taking,
    ):
        yield taking


class Writer(NamedTuple):
    """A supplier with a topic, an agreement and a product."""

    spec: TopicSpec
    agreement_id: UUID
    partner_id: UUID
    product_id: UUID

    @property
    def whose(self) -> dict[str, tuple[UUID, UUID]]:
        return {self.spec.name: (self.agreement_id, self.partner_id)}

    def low(self, id_: str, level: str = "low") -> dict[str, Any]:
        return event("availability", {"product_id": str(self.product_id), "level": level}, id_)


def writer(taking: Taking, cluster: Cluster) -> Writer:
    spec = inbound_topic(f"tested-{next(_numbers)}")
    ensure_topics(cluster, [spec])
    partner_id = partner(taking.backend)
    agreement_id = agree(taking.backend, partner_id, accepting("availability"))
    return Writer(spec, agreement_id, partner_id, product(taking.backend, partner_id))


def reports(taking: Taking, one: Writer) -> list[str]:
    facts = [event.fact for event in taking.backend.ledger.load([one.product_id])[1:]]
    return [str(getattr(fact, "level", None)) for fact in facts]


def test_events_are_taken_in_their_order_in_either_mode(taking: Taking, cluster: Cluster) -> None:
    one = writer(taking, cluster)
    levels = ["low", "out_of_stock", "in_stock", "low"]
    sent = [one.low(str(n), level) for n, level in enumerate(levels)]
    modes = itertools.cycle((binary, structured))
    write(cluster, one.spec.name, *(mode(content) for mode, content in zip(modes, sent, strict=False)))
    with taking.reading(cluster, one.whose):
        await_true(lambda: len(reports(taking, one)) == 4)
    assert reports(taking, one) == levels


def test_what_is_malformed_is_held_and_stops_nothing(taking: Taking, cluster: Cluster) -> None:
    one = writer(taking, cluster)
    name = binary(one.low("1"))[0]
    records = [
        *((name, None), (name, b"\xff"), ((), b"{}"), structured([]), structured({}), (name[1:], b"{}")),
        *(binary(one.low("2", "plenty")), binary(event("wish", {})), binary(one.low("3"))),
    ]
    write(cluster, one.spec.name, *records)
    with taking.reading(cluster, one.whose):
        await_true(lambda: reports(taking, one) == ["low"])
    held = taking.intake.quarantine.read(one.agreement_id, State.HELD, limit=100)
    assert sorted(row.code for row in held) == ["event-data", *["event-form"] * 6, "not-accepted"]


def test_a_reader_goes_on_where_the_last_one_was_and_begins_anew_with_a_new_topic(
    taking: Taking, cluster: Cluster
) -> None:
    one = writer(taking, cluster)
    write(cluster, one.spec.name, structured(one.low("1")), structured({}))
    with taking.reading(cluster, one.whose):
        await_true(lambda: len(taking.intake.quarantine.read(limit=10)) == 1)
        desk = PostgresReaderDesk(taking.databases.app)
        await_true(lambda: [place.next_offset for place in desk.places().values()] == [2])
        desk.close()
    write(cluster, one.spec.name, structured(one.low("2", "in_stock")))
    with taking.reading(cluster, one.whose):
        await_true(lambda: reports(taking, one) == ["low", "in_stock"])
    assert taking.intake.quarantine.read(limit=10)[0].attempts == 1
    recreate_topic(cluster, one.spec)
    write(cluster, one.spec.name, structured(one.low("1")), structured(one.low("3", "out_of_stock")))
    with taking.reading(cluster, one.whose):
        await_true(lambda: reports(taking, one) == ["low", "in_stock", "out_of_stock"])


def test_a_topic_that_is_missing_keeps_nobody_from_the_others(taking: Taking, cluster: Cluster) -> None:
    one = writer(taking, cluster)
    write(cluster, one.spec.name, structured(one.low("1")))
    missing = {inbound_topic("missing").name: (one.agreement_id, one.partner_id)}
    with taking.reading(cluster, {**missing, **one.whose}):
        await_true(lambda: reports(taking, one) == ["low"])


def test_whichever_codec_a_partner_takes_its_events_are_read(taking: Taking, cluster: Cluster) -> None:
    one, levels = writer(taking, cluster), itertools.cycle(("low", "in_stock"))
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    for codec in codecs:
        producer = Producer({"bootstrap.servers": cluster.servers, "compression.type": codec})
        headers, value = structured(one.low(codec, next(levels)))
        producer.produce(one.spec.name, value, headers=list(headers), partition=0)
        assert producer.flush(30) == 0
    with taking.reading(cluster, one.whose):
        await_true(lambda: len(reports(taking, one)) == len(codecs))


def test_what_a_partner_took_back_was_never_said(taking: Taking, cluster: Cluster) -> None:
    one = writer(taking, cluster)
    producer = KafkaProducer(**cluster.settings(), metrics_enabled=False, transactional_id=f"tested-{one.partner_id}")
    producer.init_transactions()
    for id_, level, end in (("1", "low", producer.abort_transaction), ("2", "in_stock", producer.commit_transaction)):
        producer.begin_transaction()
        headers, value = structured(one.low(id_, level))
        producer.send(one.spec.name, value=value, headers=list(headers), partition=0)
        producer.flush(30)
        end()
    producer.close()
    with taking.reading(cluster, one.whose):
        await_true(lambda: reports(taking, one) == ["in_stock"])
