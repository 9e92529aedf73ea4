"""Partners' inbound topics as they are read: each from its own place on, without a group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.admin import NO_ERROR, ask_kafka
from adapters.kafka.cluster import REQUEST_S, Cluster
from adapters.kafka.topic_errors import kafka_errors
from streams.inbound.reader import Place, Written

NAMED = "partners' inbound topics"
AT_ONCE = 200
WAIT_MS = int(REQUEST_S * 1000)

_log = structlog.get_logger(__name__)


class KafkaInbound:
    """Implements InboundTopics. A topic that is not there is left out, and said; the others are read."""

    def __init__(self, cluster: Cluster, topics: Collection[str], places: Mapping[str, Place]) -> None:
        self._incarnations = _incarnations(cluster, topics)
        missing = sorted(set(topics) - self._incarnations.keys())
        self.is_whole = not missing
        if missing:
            _log.warning("inbound topics are missing", topics=missing)
        with kafka_errors(NAMED, "READ"):
            self._consumer: Any = KafkaConsumer(
                **cluster.settings(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",  # what a partner took back was never said
                max_poll_records=AT_ONCE,
                fetch_max_wait_ms=500,
                metrics_enabled=False,
                allow_auto_create_topics=False,
            )
            self._consumer.assign([_partition(topic) for topic in self._incarnations])
            self._seek(places)

    def _seek(self, places: Mapping[str, Place]) -> None:
        partitions = [_partition(topic) for topic in self._incarnations]
        firsts = self._consumer.beginning_offsets(partitions, timeout_ms=WAIT_MS) if partitions else {}
        for partition, first in firsts.items():
            place = places.get(partition.topic)
            start = place.next_offset if place and place.incarnation == self._incarnations[partition.topic] else first
            if start < first:
                _log.error("inbound records are gone unread", topic=partition.topic, since=start, until=first)
            self._consumer.seek(partition, max(start, first))

    def poll(self, timeout_s: float) -> Sequence[Written]:
        with kafka_errors(NAMED, "READ"):
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        return [Written(one.topic, one.offset, one.headers, one.value) for records in found.values() for one in records]

    def place(self, written: Written) -> Place:
        return Place(self._incarnations[written.topic], written.offset + 1)

    def hold_back(self, written: Written) -> None:
        self._consumer.pause(_partition(written.topic))
        self._consumer.seek(_partition(written.topic), written.offset)

    def let_go(self, topic: str) -> None:
        self._consumer.resume(_partition(topic))

    def close(self) -> None:
        with kafka_errors(NAMED, "READ"):
            self._consumer.close(timeout_ms=1000)


def _partition(topic: str) -> TopicPartition:
    return TopicPartition(topic, 0)


def _incarnations(cluster: Cluster, topics: Collection[str]) -> Mapping[str, str]:
    """Kafka's ids of those topics that are there."""
    found = ask_kafka(cluster, NAMED, "DESCRIBE", lambda admin: admin.describe_topics(list(topics)))
    return {one["name"]: str(one["topic_id"]) for one in found if one["error_code"] == NO_ERROR}
