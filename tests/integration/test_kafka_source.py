"""Folds read a topic from the places they have come to, whatever lies in it, and hear when they may not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)

from adapters.ids import uuid7
from adapters.kafka.admin import ensure_topics, recreate_topic
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from adapters.kafka.source import KafkaSource
from adapters.kafka.topic_errors import KafkaAwayError, NotAuthorisedError, UnknownTopicError
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from domain.event import PARTITIONS, Event
from projections.engine.sources import Mended
from streams.envelope import MalformedRecordError, decode, encode
from streams.topics import EVENTS, TopicSpec
from tests.conftest import Databases
from tests.kafka_fixtures import JARS, create_events_topic
from tests.relaying import SOURCE, Relaying, append, await_true

pytestmark = pytest.mark.kafka


def source_of(cluster: Cluster, spec: TopicSpec, **settings: float) -> KafkaSource[Event]:
    return KafkaSource(cluster, spec, decode=lambda p, record, _: decode(p, *record), **settings)


@pytest.fixture
def source(cluster: Cluster, events_topic: TopicSpec) -> Iterator[KafkaSource[Event]]:
    source = source_of(cluster, events_topic)
    yield source
    source.close()


def publish(cluster: Cluster, spec: TopicSpec, events: list[Event]) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.servers)
    for event in events:
        row = encode(event, SOURCE)
        producer.send(spec.name, row.value, row.key, row.headers, row.partition, row.timestamp_ms)
    producer.flush(20)
    producer.close()


def poll_all(source: KafkaSource[Event], after: dict[int, int], count: int, *, limit: int = 100) -> list[Event]:
    """Polls as a fold does, its places moving on, until it has so many."""
    events: list[Event] = []
    deadline = time.monotonic() + 30
    while len(events) < count:
        assert time.monotonic() < deadline
        for event in source.poll(after, limit, 0.5):
            events.append(event)
            after[event.partition] = max(after[event.partition], event.partition_seq)
    return events


def test_it_reads_each_partition_in_order_from_the_place_given(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec, source: KafkaSource[Event]
) -> None:
    append(ledger, 640)
    with Relaying(databases.app, cluster, events_topic) as relaying:
        relaying.await_position(640)
    facts = {(e.partition, e.partition_seq): e for e in ledger.read(0, 1000)}
    heads = ledger.partition_heads()
    after = {p: heads.get(p, 0) // 2 for p in range(0, PARTITIONS, 2)}
    wanted = [facts[p, seq] for p in after for seq in range(after[p] + 1, heads.get(p, 0) + 1)]
    found = poll_all(source, dict(after), len(wanted), limit=17)
    assert sorted(found, key=lambda e: (e.partition, e.partition_seq)) == wanted
    for p in after:
        sequences = [e.partition_seq for e in found if e.partition == p]
        assert sequences == sorted(sequences)


def test_it_goes_back_where_the_fold_did_not_come_as_far_as_it_answered(
    ledger: PostgresLedger, cluster: Cluster, events_topic: TopicSpec, source: KafkaSource[Event]
) -> None:
    subject = uuid7()
    append(ledger, 30, subjects=[subject])
    events = list(ledger.read(0, 100))
    publish(cluster, events_topic, events)
    partition = events[0].partition
    assert poll_all(source, {partition: 0}, 30) == events
    assert poll_all(source, {partition: 10}, 20) == events[10:]
    assert poll_all(source, {partition: 28, (partition + 1) % 64: 0}, 2) == events[28:]


def test_a_topic_full_of_repeats_and_holes_folds_to_every_fact_once(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec, source: KafkaSource[Event]
) -> None:
    append(ledger, 60, subjects=[uuid7()])
    events = list(ledger.read(0, 100))
    publish(cluster, events_topic, events[:20] + events[10:20] + events[25:40] + events[20:40] + events[50:58])
    reader = LedgerSource(databases.app)
    log = Mended(source, reader, heads_every_s=0.2)
    partition, after, found = events[0].partition, 0, list[Event]()
    deadline = time.monotonic() + 20
    while after < 60 and time.monotonic() < deadline:
        batch = log.read_on({partition: after}, limit=7, timeout_s=0.1, skip=())
        found += batch.events
        after = batch.through.get(partition, after)
    log.close()
    reader.close()
    assert found == events


def test_a_fact_takes_milliseconds_from_its_append_to_the_fold(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec, source: KafkaSource[Event]
) -> None:
    after = dict.fromkeys(range(PARTITIONS), 0)
    with Relaying(databases.app, cluster, events_topic) as relaying:
        append(ledger, 1)
        poll_all(source, after, 1)
        took = []
        for _ in range(10):
            began = time.monotonic()
            append(ledger, 1)
            poll_all(source, after, 1)
            took.append(time.monotonic() - began)
        relaying.await_position(11)
    assert sorted(took)[5] < 0.25, took  # a poll instead of a wake-up would take twice that


def test_a_topic_that_is_not_there_is_named(cluster: Cluster) -> None:
    source = source_of(cluster, TopicSpec("crm.nowhere.v1", 64))
    with pytest.raises(UnknownTopicError, match=r"crm\.nowhere\.v1"):
        source.poll({0: 0}, 10, 0.1)


def test_a_record_that_no_relay_wrote_is_named_each_time(
    cluster: Cluster, events_topic: TopicSpec, source: KafkaSource[Event]
) -> None:
    producer = KafkaProducer(bootstrap_servers=cluster.servers)
    producer.send(events_topic.name, b"hello", partition=5).get(10)
    producer.close()
    for _ in range(2):
        with pytest.raises(MalformedRecordError, match="partition 5, offset 0"):
            poll_all(source, {5: 0}, 1)


def test_a_topic_that_is_filled_again_is_read_on_without_an_error(
    ledger: PostgresLedger, cluster: Cluster, events_topic: TopicSpec, source: KafkaSource[Event]
) -> None:
    append(ledger, 20, subjects=[uuid7()])
    events = list(ledger.read(0, 100))
    partition = events[0].partition
    publish(cluster, events_topic, events[:10])
    after = {partition: 0}
    poll_all(source, after, 10)
    recreate_topic(cluster, events_topic)
    publish(cluster, events_topic, events)
    deadline, found = time.monotonic() + 30, set[int]()
    while max(found, default=0) < 20 and time.monotonic() < deadline:
        try:
            found |= {event.partition_seq for event in source.poll(after, 100, 0.5)}
        except KafkaAwayError:
            time.sleep(0.2)
    assert found >= set(range(11, 21))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A Kafka that asks whether one may; who nothing is said of may."""
    home = tmp_path_factory.mktemp("guarded")
    template = home / "template.properties"
    guard = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    text = (JARS.parent / "server.properties").read_text()
    template.write_text(f"{text}\n{guard}allow.everyone.if.no.acl.found=true\nsuper.users=User:nobody\n")
    with KafkaBroker(home / "home", JARS, template=template) as broker:
        yield broker


def forbid(broker: KafkaBroker, topic: str, operation: ACLOperation) -> None:
    rule = ACL(
        principal="User:ANONYMOUS",
        host="*",
        operation=operation,
        permission_type=ACLPermissionType.DENY,
        resource_pattern=ResourcePattern(ResourceType.TOPIC, topic),
    )
    allow = ACL("User:ANONYMOUS", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, rule.resource_pattern)
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        assert not admin.create_acls([allow, rule])["failed"]


@pytest.mark.parametrize("operation", [ACLOperation.READ, ACLOperation.DESCRIBE])
def test_a_topic_one_may_not_read_is_said_not_silence(guarded: KafkaBroker, operation: ACLOperation) -> None:
    cluster = Cluster(guarded.bootstrap)
    spec = create_events_topic(cluster)
    source = source_of(cluster, spec, check_every_s=0.5)
    assert source.poll({0: 0}, 10, 0.1) == []
    forbid(guarded, spec.name, operation)
    with pytest.raises(NotAuthorisedError, match=spec.name):
        poll_all(source, {0: 0}, 1)
    with pytest.raises(NotAuthorisedError, match=spec.name):
        source.poll({0: 0}, 10, 0.1)
    source.close()


def test_a_relay_that_may_not_write_says_so(guarded: KafkaBroker, ledger: PostgresLedger, databases: Databases) -> None:
    cluster = Cluster(guarded.bootstrap)
    spec = create_events_topic(cluster)
    forbid(guarded, spec.name, ACLOperation.WRITE)
    append(ledger, 1)
    with Relaying(databases.app, cluster, spec) as relaying:
        assert "operation WRITE" in str(relaying.await_error())


def test_it_recovers_when_the_broker_was_killed(ledger: PostgresLedger, tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "home", JARS) as broker:
        cluster = Cluster(broker.bootstrap)
        ensure_topics(cluster, [EVENTS])
        append(ledger, 20, subjects=[uuid7()])
        events = list(ledger.read(0, 100))
        publish(cluster, EVENTS, events[:10])
        source, after = source_of(cluster, EVENTS), {events[0].partition: 0}
        poll_all(source, after, 10)
        broker.kill()
        away = threading.Thread(target=broker.start)
        away.start()
        found: list[Event] = []

        def read_on() -> bool:
            try:
                found.extend(source.poll(after, 100, 0.2))
            except KafkaAwayError:
                time.sleep(0.1)
            after.update({e.partition: e.partition_seq for e in found})
            return len(found) >= 10

        def write_on() -> None:
            away.join()
            publish(cluster, EVENTS, events[10:])

        writer = threading.Thread(target=write_on)
        writer.start()
        await_true(read_on, 60)
        writer.join()
        source.close()
        assert found == events[10:]
