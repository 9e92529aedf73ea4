"""Whatever is killed, paused, cut off or restored between ledger and Kafka: the topic has no hole, or it is said."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from adapters.ids import uuid7
from adapters.kafka.admin import ensure_topics
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from adapters.kafka.jars import resolve_jars
from adapters.kafka.producer import BoundedProducer, Row
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.migrate import connect
from adapters.postgres.server import PostgresServer
from streams.envelope import identify
from streams.relay import TopicDisagreesError
from streams.topics import SHARES, TopicSpec
from tests.conftest import Databases
from tests.kafka_fixtures import JARS, POM, create_events_topic, create_topic
from tests.relaying import (
    CountingTopic,
    Relaying,
    append,
    assert_no_hole,
    assert_no_share_missing,
    await_true,
    lane_of,
    read_topic,
    share_lane_of,
)

ROOT = Path(__file__).parents[2]
SUBJECTS = [uuid7() for _ in range(40)]

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    resolve_jars(POM, JARS)
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka") / "home", JARS)
    yield broker
    broker.kill()


@pytest.fixture
def broker(own_broker: KafkaBroker) -> KafkaBroker:
    own_broker.start()
    return own_broker


@pytest.fixture
def cluster(broker: KafkaBroker) -> Cluster:
    return Cluster(broker.bootstrap)


@pytest.fixture
def spec(cluster: Cluster) -> TopicSpec:
    return create_events_topic(cluster)


@contextlib.contextmanager
def relay_process(
    dsn: str, cluster: Cluster, spec: TopicSpec, *, is_share: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.faults.relay_process", dsn, cluster.servers, spec.name]
    command += ["share"] if is_share else []
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


@contextlib.contextmanager
def appending(ledger: PostgresLedger) -> Iterator[None]:
    """Facts keep coming meanwhile."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            append(ledger, 40, subjects=SUBJECTS)
            stop.wait(0.03)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def count(cluster: Cluster, spec: TopicSpec) -> int:
    return sum(map(len, read_topic(cluster, spec).values()))


def end_session(dsn: str) -> None:
    """Of the relay that leads in this database."""
    with connect(dsn) as db:
        found = db.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = 7308 and granted"
            " and database = (select oid from pg_database where datname = current_database())"
        ).fetchall()
    assert found == [(True,)]


def test_a_relay_killed_again_and_again_leaves_no_hole(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    append(ledger, 12_000, subjects=SUBJECTS, group=400)
    watcher = lane_of(databases.app, spec)
    for _ in range(5):
        before = watcher.load()
        with relay_process(databases.app, cluster, spec) as process:
            while watcher.load() == before:
                assert process.poll() is None
                time.sleep(0.02)
            time.sleep(random.random() / 3)
        append(ledger, 100, subjects=SUBJECTS)
    watcher.close()
    with Relaying(databases.app, cluster, spec) as relaying:
        relaying.await_position(12_500)
    assert_no_hole(cluster, spec, ledger)


def test_a_departments_relay_killed_again_and_again_leaves_no_hole(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster
) -> None:
    spec = create_topic(cluster, SHARES["marketing"])
    append(ledger, 8_000, subjects=SUBJECTS, group=400)
    watcher = share_lane_of(databases.app, spec)
    for _ in range(4):
        before = watcher.load()
        with relay_process(databases.app, cluster, spec, is_share=True) as process:
            while watcher.load() == before:
                assert process.poll() is None
                time.sleep(0.02)
            time.sleep(random.random() / 3)
        append(ledger, 100, subjects=SUBJECTS)
    watcher.close()
    with Relaying(databases.app, cluster, spec, is_share=True) as relaying:
        relaying.await_position(8_400)
    assert_no_share_missing(cluster, spec, ledger)


def test_a_broker_killed_under_load_gets_everything_when_it_is_back(
    ledger: PostgresLedger, databases: Databases, broker: KafkaBroker, cluster: Cluster, spec: TopicSpec
) -> None:
    with Relaying(databases.app, cluster, spec) as relaying:
        with appending(ledger):
            for away_s in (0, 6):
                relaying.await_position(ledger.last_position())
                broker.kill()
                time.sleep(away_s)
                broker.start()
        relaying.await_position(ledger.last_position())
    assert_no_hole(cluster, spec, ledger)


def test_a_broker_that_hangs_longer_than_a_send_may_take_gets_no_hole(
    ledger: PostgresLedger, databases: Databases, broker: KafkaBroker, cluster: Cluster, spec: TopicSpec
) -> None:
    with Relaying(databases.app, cluster, spec, delivery_s=2) as relaying:
        with appending(ledger):
            relaying.await_position(200)
            broker.pause()
            time.sleep(5)
            broker.resume()
            time.sleep(1)
        relaying.await_position(ledger.last_position(), 90)
    assert relaying.topic.opened == 2, "no send failed"
    assert_no_hole(cluster, spec, ledger)


class Leaky(CountingTopic):
    """Loses one record on the way, and hears of it only after those behind it were written."""

    lost: Row | None = None

    def _produce(self) -> BoundedProducer:
        producer = super()._produce()
        if self.lost is None:
            dispatch = producer._dispatch

            def lose(row: Row) -> Any:
                if self.lost or row.position < 150:
                    return dispatch(row)
                self.lost, future = row, Future()
                threading.Timer(1.0, future.failure, [KafkaTimeoutError("expired")]).start()
                return future

            vars(producer)["_dispatch"] = lose
        return producer


def test_a_send_that_fails_among_written_ones_is_read_back_and_sent_again(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    append(ledger, 400, subjects=SUBJECTS[:2])
    topic = Leaky(cluster, spec, identify=identify)
    with Relaying(databases.app, cluster, spec, topic=topic) as relaying:
        relaying.await_position(400)
    assert topic.lost is not None
    sequences = [event.partition_seq for event in read_topic(cluster, spec)[topic.lost.partition]]
    assert sequences.index(topic.lost.seq) > sequences.index(topic.lost.seq + 1), "there was no hole to mend"
    assert assert_no_hole(cluster, spec, ledger) > 0


def test_of_two_relays_one_waits_until_the_other_is_gone(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    append(ledger, 100, subjects=SUBJECTS)
    with relay_process(databases.app, cluster, spec) as process, Relaying(databases.app, cluster, spec) as second:
        second.await_position(100)
        process.kill()
        process.wait(20)
        append(ledger, 100, subjects=SUBJECTS)
        second.await_position(200)
    assert assert_no_hole(cluster, spec, ledger) == 0


def test_a_relay_that_sleeps_through_its_own_succession_writes_repeats_at_most(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    append(ledger, 15_000, subjects=SUBJECTS, group=400)
    watcher = lane_of(databases.app, spec)
    with relay_process(databases.app, cluster, spec) as zombie:
        await_true(lambda: watcher.load() > 0, 60)
        os.kill(zombie.pid, signal.SIGSTOP)
        watcher.close()
        end_session(databases.owner)
        with Relaying(databases.app, cluster, spec) as successor:
            with appending(ledger):
                await_true(lambda: count(cluster, spec) > 100, 60)
                os.kill(zombie.pid, signal.SIGCONT)
                time.sleep(3)
            successor.await_position(ledger.last_position())
            assert zombie.poll() is None
            records = count(cluster, spec)
            time.sleep(1)
            assert count(cluster, spec) == records, "two relays send"
    assert_no_hole(cluster, spec, ledger)


def test_a_relay_whose_session_ends_leads_again_and_goes_on(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    with Relaying(databases.app, cluster, spec) as relaying:
        with appending(ledger):
            for _ in range(3):
                time.sleep(1.2)
                end_session(databases.owner)
                await_true(lambda: relaying.error is not None or leads(databases.owner))
        relaying.await_position(ledger.last_position())
    assert_no_hole(cluster, spec, ledger)


def leads(dsn: str) -> bool:
    with connect(dsn) as db:
        return bool(db.execute("select from pg_locks where locktype = 'advisory' and classid = 7308").fetchall())


def test_a_ledger_restored_to_an_earlier_point_stops_the_relay_before_it_sends(
    postgres: PostgresServer, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    ledger = PostgresLedger(databases.app)
    append(ledger, 300, subjects=SUBJECTS)
    with Relaying(databases.app, cluster, spec) as relaying:
        relaying.await_position(300)
    ledger.close()
    original = databases.app.split("dbname=")[1].split()[0]
    with copied(postgres, original) as restored:
        ledger = PostgresLedger(databases.app)
        append(ledger, 200, subjects=SUBJECTS)
        with Relaying(databases.app, cluster, spec) as relaying:
            relaying.await_position(500)
        ledger.close()
        records = count(cluster, spec)
        for diverging in (0, 50, 400):
            copy = PostgresLedger(restored)
            append(copy, diverging, subjects=SUBJECTS)
            copy.close()
            with Relaying(restored, cluster, spec) as relaying:
                error = relaying.await_error()
            assert isinstance(error, TopicDisagreesError)
            assert "relato republish" in str(error)
        assert count(cluster, spec) == records


@contextlib.contextmanager
def copied(postgres: PostgresServer, database: str) -> Iterator[str]:
    with connect(postgres.dsn()) as db:
        db.execute(f"create database {database}_copy template {database} strategy file_copy".encode())
        yield postgres.dsn(f"{database}_copy", "relato_app")
        db.execute(f"drop database {database}_copy with (force)".encode())


def test_a_topic_deleted_under_load_and_made_again_is_filled_from_the_first_fact(
    ledger: PostgresLedger, databases: Databases, cluster: Cluster, spec: TopicSpec
) -> None:
    append(ledger, 1000, subjects=SUBJECTS)
    with Relaying(databases.app, cluster, spec, delivery_s=4) as relaying:
        relaying.await_position(1000)
        with appending(ledger):
            time.sleep(0.5)
            with KafkaAdminClient(bootstrap_servers=cluster.servers) as admin:
                admin.delete_topics([spec.name])
            time.sleep(2)
            ensure_topics(cluster, [spec])
            time.sleep(2)
        append(ledger, 200, subjects=SUBJECTS)
        await_true(lambda: relaying.error is not None or is_complete(cluster, spec, ledger), 90)
    assert_no_hole(cluster, spec, ledger)


def is_complete(cluster: Cluster, spec: TopicSpec, ledger: PostgresLedger) -> bool:
    time.sleep(0.5)
    held = {(e.partition, e.partition_seq) for events in read_topic(cluster, spec).values() for e in events}
    return len(held) == ledger.last_position()
