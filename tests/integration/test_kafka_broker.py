"""The embedded Kafka starts, is found again, keeps its records and its port over a kill, and says what it lacks."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaTimeoutError

from adapters.kafka.broker import KafkaBroker
from adapters.kafka.broker_errors import (
    BrokerNotRunningError,
    JarsMissingError,
    JarsUnresolvedError,
    NoJavaError,
    NoMavenError,
    PortInUseError,
)
from adapters.kafka.jars import resolve_jars

ROOT = Path(__file__).parents[2]
POM = ROOT / "deploy" / "kafka" / "pom.xml"
JARS = POM.parent / "jars"

START = """
import pathlib, sys
from adapters.kafka.broker import KafkaBroker
broker = KafkaBroker(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
broker.start()
print(broker.pid)
"""

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    resolve_jars(POM, JARS)
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka") / "home", JARS)
    yield broker
    broker.kill()


@pytest.fixture
def broker(cluster: KafkaBroker) -> KafkaBroker:
    cluster.start()
    return cluster


@pytest.fixture
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, to which a test adds what it wants found."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def add_program(directory: Path, name: str, script: str) -> None:
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def create_topic(broker: KafkaBroker, topic: str, partitions: int = 2) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        options = {"num_partitions": partitions, "replication_factor": 1}
        admin.create_topics({topic: options}, wait_for_metadata=True)


def produce(broker: KafkaBroker, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True)
    try:
        for sent in [producer.send(topic, value, partition=1) for value in values]:
            sent.get(timeout=20)
    finally:
        producer.close()


def consume(broker: KafkaBroker, topic: str) -> list[tuple[int, bytes]]:
    """The partition's records with their offsets, up to its end."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    partition = TopicPartition(topic, 1)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    records: list[tuple[int, bytes]] = []
    try:
        while consumer.position(partition) < end:
            for batch in consumer.poll(timeout_ms=1000).values():
                records += [(record.offset, record.value) for record in batch]
    finally:
        consumer.close()
    return records


def test_records_written_with_all_acknowledgements_outlive_a_kill_and_the_port_stays(broker: KafkaBroker) -> None:
    create_topic(broker, "kept")
    values = [b"fact %d" % number for number in range(1000)]
    produce(broker, "kept", values)
    before = broker.bootstrap
    broker.kill()
    assert not broker.is_running
    broker.start()
    assert broker.bootstrap == before
    assert consume(broker, "kept") == list(enumerate(values))
    produce(broker, "kept", [b"and on"])
    assert consume(broker, "kept")[-1] == (1000, b"and on")


def test_an_orderly_stop_ends_it_and_the_next_start_finds_its_records(broker: KafkaBroker) -> None:
    create_topic(broker, "orderly")
    produce(broker, "orderly", [b"one"])
    broker.stop()
    broker.stop()
    assert (broker.is_running, broker.pid) == (False, None)
    broker.start()
    assert consume(broker, "orderly") == [(0, b"one")]


def test_a_topic_that_nobody_created_does_not_come_to_be(broker: KafkaBroker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, max_block_ms=1000)
    try:
        with pytest.raises(KafkaTimeoutError):
            producer.send("unheard-of", b"lost").get(timeout=5)
    finally:
        producer.close()
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        assert "unheard-of" not in admin.list_topics()


def test_it_listens_on_the_loopback_address_only(broker: KafkaBroker) -> None:
    listening = [found for found in psutil.Process(broker.pid).net_connections("tcp") if found.status == "LISTEN"]
    assert {found.laddr.ip.removeprefix("::ffff:") for found in listening} == {"127.0.0.1"}


def test_a_second_handle_attaches_and_leaves_the_broker_running(broker: KafkaBroker) -> None:
    with KafkaBroker(broker.home, JARS) as other:
        assert (other.pid, other.bootstrap) == (broker.pid, broker.bootstrap)
    assert broker.is_running


def test_it_outlives_the_program_that_started_it(broker: KafkaBroker) -> None:
    broker.stop()
    command = [sys.executable, "-c", START, str(broker.home), str(JARS)]
    started = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert broker.pid == int(started.stdout)


def test_a_dead_brokers_number_on_another_process_is_not_taken_for_the_broker(broker: KafkaBroker) -> None:
    broker.stop()
    (broker.home / "broker.pid").write_text(f"{os.getpid()}\n")
    assert broker.pid is None


def test_a_paused_broker_is_silent_until_it_is_resumed(broker: KafkaBroker) -> None:
    create_topic(broker, "paused")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    try:
        producer.partitions_for("paused")
        broker.pause()
        sent = producer.send("paused", b"meanwhile", partition=1)
        with pytest.raises(KafkaTimeoutError):
            sent.get(timeout=1)
        broker.resume()
        sent.get(timeout=20)
    finally:
        broker.resume()
        producer.close()
    assert consume(broker, "paused") == [(0, b"meanwhile")]


def test_a_port_in_use_is_said_in_one_line(broker: KafkaBroker) -> None:
    broker.stop()
    said = rf"^Another program listens .* port {broker.port}\.$"
    with socket.create_server(("127.0.0.1", broker.port)), pytest.raises(PortInUseError, match=said):
        broker.start()
    assert not broker.is_running


def test_pausing_a_broker_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path, JARS)
    with pytest.raises(BrokerNotRunningError):
        broker.pause()
    with pytest.raises(BrokerNotRunningError):
        _ = broker.bootstrap


@pytest.mark.usefixtures("no_programs")
def test_without_java_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NoJavaError, match="install one"):
        KafkaBroker(tmp_path / "home", JARS).start()
    with pytest.raises(NoJavaError):
        resolve_jars(POM, tmp_path / "jars")


def test_with_a_java_too_old_it_names_the_one_it_found(no_programs: Path, tmp_path: Path) -> None:
    add_program(no_programs, "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")
    with pytest.raises(NoJavaError, match=r"Java 17 or newer.*: found 11\.$"):
        KafkaBroker(tmp_path / "home", JARS).start()


def test_without_maven_or_with_one_that_fails_it_says_so_and_leaves_no_jars(no_programs: Path, tmp_path: Path) -> None:
    add_program(no_programs, "java", """echo 'openjdk version "21" 2023-09-19' >&2""")
    with pytest.raises(NoMavenError, match="install it"):
        resolve_jars(POM, tmp_path / "jars")
    add_program(no_programs, "mvn", "echo '[ERROR] no route to the repository'; echo '[ERROR] more'; exit 1")
    with pytest.raises(JarsUnresolvedError, match=r"no route to the repository\.$"):
        resolve_jars(POM, tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


def test_without_jars_it_says_how_to_fetch_them(tmp_path: Path) -> None:
    with pytest.raises(JarsMissingError, match="make kafka"):
        KafkaBroker(tmp_path / "home", tmp_path / "jars").start()


def test_jars_are_fetched_once_and_again_when_the_list_changes(no_programs: Path, tmp_path: Path) -> None:
    calls, pom, jars = tmp_path / "calls", tmp_path / "pom.xml", tmp_path / "jars"
    add_program(no_programs, "java", """echo 'openjdk version "17.0.1" 2021-10-19' >&2""")
    add_program(no_programs, "mvn", f"echo called >> {calls}; /bin/mkdir -p {jars}.new; : > {jars}.new/a.jar")
    for text in ("one", "one", "two"):
        pom.write_text(text)
        resolve_jars(pom, jars)
    assert calls.read_text().count("called") == 2
    assert (jars / "a.jar").exists()
