"""From PostgreSQL into a real Kafka: whole, in order, once, and with the errors that say what is wrong."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from adapters.ids import uuid7
from adapters.kafka import checksum
from adapters.kafka.admin import check_topic, ensure_topics, recreate_topic
from adapters.kafka.cluster import Cluster, within
from adapters.kafka.notes import KafkaNotes
from adapters.kafka.topic import KafkaTopic
from adapters.kafka.topic_errors import KafkaAwayError, SlowChecksumError, UnknownTopicError, WrongPartitionsError
from adapters.postgres.ledger import PostgresLedger
from domain.customer.facts import NeedNoted
from domain.ports import Append
from streams.envelope import encode, identify
from streams.relay import republish
from streams.topics import CHECKPOINTS, EVENTS, TOPICS, TopicSpec
from tests.conftest import Databases
from tests.contracts.ledger_contract import write
from tests.relaying import (
    SOURCE,
    Relaying,
    append,
    assert_no_hole,
    assert_no_share_missing,
    await_true,
    lane_of,
    read_topic,
    share_lane_of,
)

pytestmark = pytest.mark.kafka


def test_postgresql_writes_the_same_records_as_the_envelope(
    ledger: PostgresLedger, databases: Databases, events_topic: TopicSpec
) -> None:
    append(ledger, 50)
    lane = lane_of(databases.app, events_topic)
    assert lane.read(0, 100).rows == [encode(event, SOURCE) for event in ledger.read(0, 100)]
    lane.close()


def test_the_ledger_comes_into_the_topic_without_hole_or_repeat_and_each_hash_holds(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec
) -> None:
    append(ledger, 2000)
    with Relaying(databases.app, cluster, events_topic) as relaying:
        relaying.await_position(2000)
        append(ledger, 500)
        relaying.await_position(2500)
    assert assert_no_hole(cluster, events_topic, ledger) == 0


def test_a_restart_goes_on_where_the_last_one_stopped_and_repeats_nothing(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec
) -> None:
    for _ in range(3):
        append(ledger, 300)
        with Relaying(databases.app, cluster, events_topic) as relaying:
            relaying.await_position(ledger.last_position() - 200)
    with Relaying(databases.app, cluster, events_topic) as relaying:
        relaying.await_position(900)
    assert assert_no_hole(cluster, events_topic, ledger) == 0


def test_a_departments_share_comes_into_its_topic_without_hole_or_repeat_over_restarts(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, share_topic: TopicSpec
) -> None:
    for _ in range(3):
        append(ledger, 400)
        with Relaying(databases.app, cluster, share_topic, is_share=True) as relaying:
            relaying.await_position(ledger.last_position() - 200)
            append(ledger, 50)
    with Relaying(databases.app, cluster, share_topic, is_share=True) as relaying:
        relaying.await_position(1350)
    assert assert_no_share_missing(cluster, share_topic, ledger) == 0


def test_a_departments_topic_is_read_back_once_however_much_of_the_ledger_it_leaves_out(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, share_topic: TopicSpec
) -> None:
    append(ledger, 3_000)
    with Relaying(databases.app, cluster, share_topic, is_share=True) as relaying:
        relaying.await_position(3_000)
        append(ledger, 1_000)
        relaying.await_position(4_000)
    assert relaying.topic.opened == 1
    assert assert_no_share_missing(cluster, share_topic, ledger) == 0


def test_a_departments_topic_that_is_published_anew_holds_it_all_again(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, share_topic: TopicSpec
) -> None:
    append(ledger, 300)
    with Relaying(databases.app, cluster, share_topic, is_share=True) as relaying:
        relaying.await_position(300)
        lane = share_lane_of(databases.app, share_topic)
        republish(lane, lambda: recreate_topic(cluster, share_topic))
        lane.close()
        relaying.await_position(300)
        append(ledger, 100)
        relaying.await_position(400)
    assert assert_no_share_missing(cluster, share_topic, ledger) == 0


def test_where_a_departments_topic_ends_is_asked_of_the_ledger(
    ledger: PostgresLedger, databases: Databases, share_topic: TopicSpec
) -> None:
    append(ledger, 200)
    lane = share_lane_of(databases.app, share_topic)
    rows = lane.read(0, 1_000).rows
    lasts = {row.partition: row.seq for row in rows if row.seq <= 150}
    assert {p: at for p, at in lane.sequences_at(150).items() if at} == lasts
    assert lane.begin(dict.fromkeys(range(16), 0)) == rows[0].position - 1
    assert lane.begin(dict.fromkeys(range(16), 0) | lasts) == min(row.seq for row in rows if row.seq > 150) - 1
    assert lane.begin({row.partition: row.seq for row in rows}) == 200
    lane.close()


def test_the_largest_fact_and_a_full_window_pass(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec
) -> None:
    for _ in range(12):
        stream = uuid7()
        ledger.append(Append([write(NeedNoted(need="x" * 262_000), stream=stream)], {stream: 0}))
    with Relaying(databases.app, cluster, events_topic, in_flight_bytes=600_000) as relaying:
        relaying.await_position(12)
    assert assert_no_hole(cluster, events_topic, ledger) == 0


def test_a_topic_that_is_republished_while_the_relay_runs_holds_everything_once_more(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, events_topic: TopicSpec
) -> None:
    append(ledger, 400)
    with Relaying(databases.app, cluster, events_topic) as relaying:
        relaying.await_position(400)
        lane = lane_of(databases.app, events_topic)
        republish(lane, lambda: recreate_topic(cluster, events_topic))
        lane.close()
        relaying.await_position(400)
        append(ledger, 100)
        relaying.await_position(500)
        await_true(lambda: sum(map(len, read_topic(cluster, events_topic).values())) >= 500)
    assert_no_hole(cluster, events_topic, ledger)


def test_a_topic_that_is_not_there_stops_the_relay_with_its_name(databases: Databases, cluster: Cluster) -> None:
    with Relaying(databases.app, cluster, TopicSpec("crm.nowhere.v1", 64)) as relaying:
        error = relaying.await_error()
    assert isinstance(error, UnknownTopicError)
    assert "crm.nowhere.v1" in str(error)


def test_a_topic_split_otherwise_stops_the_relay(
    databases: Databases, cluster: Cluster, events_topic: TopicSpec
) -> None:
    other = replace(events_topic, name=events_topic.name + ".other", partitions=12)
    ensure_topics(cluster, [other])
    with Relaying(databases.app, cluster, replace(other, partitions=64)) as relaying:
        error = relaying.await_error()
    assert isinstance(error, WrongPartitionsError)
    assert "partitions 12, wanted 64" in str(error)


def test_topics_are_made_as_the_table_says_and_set_right_again(cluster: Cluster, events_topic: TopicSpec) -> None:
    ensure_topics(cluster, TOPICS)
    short = replace(events_topic, config={**EVENTS.config, "retention.ms": "1000"})
    ensure_topics(cluster, [short])
    assert config_of(cluster, events_topic.name)["retention.ms"] == "1000"
    ensure_topics(cluster, [events_topic])
    config = config_of(cluster, events_topic.name)
    assert {key: config[key] for key in EVENTS.config} == EVENTS.config
    for spec in TOPICS:
        check_topic(cluster, spec.name, spec.partitions, "READ", "WRITE")


def config_of(cluster: Cluster, topic: str) -> dict[str, str]:
    with KafkaAdminClient(bootstrap_servers=cluster.servers) as admin:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {key: entry["value"] for key, entry in found["topic"][topic].items()}


def test_signed_notes_come_onto_their_topic_and_the_last_is_found_again(cluster: Cluster) -> None:
    spec = replace(CHECKPOINTS, name="crm.checkpoints.test")
    recreate_topic(cluster, spec)
    notes = KafkaNotes(cluster, spec)
    assert notes.last() is None
    for size in (1, 2):
        notes.publish(f"origin\n{size}\nroot\n\n— relato c2ln\n")
    assert notes.last() == "origin\n2\nroot\n\n— relato c2ln\n"
    notes.close()


def test_the_slow_checksum_is_refused(
    cluster: Cluster, events_topic: TopicSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    checksum.require_fast_checksum()
    monkeypatch.setattr("kafka.record.util.crc32c_c", None)
    with pytest.raises(SlowChecksumError, match="pip install"):
        KafkaTopic(cluster, events_topic, identify=identify).open()


def test_a_kafka_that_is_not_there_is_said_in_one_line() -> None:
    with pytest.raises(KafkaAwayError, match=r"servers 127\.0\.0\.1:1\.$"):
        check_topic(Cluster("127.0.0.1:1"), "crm.events.v1", 64)


def test_a_call_that_takes_for_ever_ends() -> None:
    with pytest.raises(KafkaAwayError):
        within(0.05, lambda: time.sleep(1))
