"""The relay into Kafka beside kafka-python's bare `send` loop over the same records."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from adapters.kafka.admin import recreate_topic
from adapters.kafka.cluster import Cluster
from benchmarks.companies import fill
from benchmarks.figures import Measured, Missing, ratio
from benchmarks.harness import Scratch, main, take_turns
from deploy import kafka_parts
from domain.errors import RelatoError
from streams.envelope import Outgoing
from streams.topics import EVENTS, TopicSpec

PEER = TopicSpec("bench.peer", EVENTS.partitions, EVENTS.config)
WHAT = "relay into Kafka"
# What BoundedProducer sets.
SETTINGS = {"acks": "all", "enable_idempotence": True, "batch_size": 65_536, "metrics_enabled": False}
HOW = (
    "Ours: read from the ledger, headers made, sent, acknowledged, position saved, from an empty topic on. Peer: the"
    " same records, made before, in a loop of KafkaProducer.send and one flush; idempotent, acks=all, 64 partitions."
)


def measure(scratch: Scratch) -> Measured:
    try:
        servers = scratch.kafka
    except RelatoError as error:
        return [Missing(what=WHAT, reason=str(error))]
    count = fill(scratch.installation, scratch.count(100_000, 4_000), of=scratch.count(50_000, 4_000))
    rows = _rows(scratch, count)
    sides = {
        "relay": lambda: count / _relay(scratch, servers, count),
        "send loop": lambda: count / _send(servers, rows),
    }
    found = take_turns(sides, scratch.count(5, 1))
    return [ratio(WHAT, "kafka-python's bare send loop", 0.7, ours="relay", peer="send loop", sides=found, how=HOW)]


def _rows(scratch: Scratch, count: int) -> Sequence[Outgoing]:
    lane = kafka_parts.lane_of(scratch.settings, scratch.dsn)
    try:
        return lane.read(0, count).rows
    finally:
        lane.close()


def _relay(scratch: Scratch, servers: str, count: int) -> float:
    """Seconds until the topic has them all."""
    kafka_parts.republish(scratch.settings, EVENTS.name, scratch.dsn)
    relay, stop = kafka_parts.relay_of(scratch.settings, scratch.dsn), threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    consumer = KafkaConsumer(bootstrap_servers=servers)
    partitions = [TopicPartition(EVENTS.name, p) for p in range(EVENTS.partitions)]
    try:
        start = time.perf_counter()
        thread.start()
        while sum(consumer.end_offsets(partitions).values()) < count:
            time.sleep(0.05)
        return time.perf_counter() - start
    finally:
        stop.set()
        thread.join()
        consumer.close()


def _send(servers: str, rows: Sequence[Outgoing]) -> float:
    recreate_topic(Cluster(servers), PEER)
    start = time.perf_counter()
    producer = KafkaProducer(bootstrap_servers=servers, **SETTINGS)
    for row in rows:
        producer.send(PEER.name, row.value, row.key, row.headers, row.partition, row.timestamp_ms)
    producer.flush()
    took = time.perf_counter() - start
    producer.close()
    return took


def relay_all(scratch: Scratch, servers: str, count: int) -> None:
    """For benchmarks that read the topic."""
    _relay(scratch, servers, count)


if __name__ == "__main__":
    main(measure)
