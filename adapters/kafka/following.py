"""Some topics as they grow: from their first record, or from a time on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.admin import Spec, check_topic
from adapters.kafka.cluster import REQUEST_S, Cluster
from adapters.kafka.topic_errors import kafka_errors

WAIT_MS = int(REQUEST_S * 1000)


class Found(NamedTuple):
    """A record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Following:
    """`since`: of a topic only what was sent since then. Raises what `kafka_errors` does."""

    def __init__(self, cluster: Cluster, specs: Sequence[Spec], since: Mapping[str, datetime] = {}) -> None:
        for spec in specs:
            check_topic(cluster, spec.name, spec.partitions, "READ")
        self._named = ", ".join(spec.name for spec in specs)
        places = [TopicPartition(spec.name, partition) for spec in specs for partition in range(spec.partitions)]
        with kafka_errors(self._named, "READ"):
            self._consumer: Any = KafkaConsumer(
                **cluster.settings(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=500,  # it answers at once when there is something
                metrics_enabled=False,
                allow_auto_create_topics=False,
            )
            self._consumer.assign(places)
            self._ends: Mapping[TopicPartition, int] = self._consumer.end_offsets(places, timeout_ms=WAIT_MS)
            self._seek(places, since)

    def _seek(self, places: Sequence[TopicPartition], since: Mapping[str, datetime]) -> None:
        self._consumer.seek_to_beginning(*places)
        times = {place: int(since[place.topic].timestamp() * 1000) for place in places if place.topic in since}
        if times:
            for place, found in self._consumer.offsets_for_times(times).items():
                self._consumer.seek(place, found.offset if found else self._ends[place])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with kafka_errors(self._named, "READ"):
            self._consumer.close(timeout_ms=1000)

    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there when it was opened has been read."""
        with kafka_errors(self._named, "READ"):
            return all(self._consumer.position(place) >= end for place, end in self._ends.items())

    def poll(self, timeout_s: float) -> Sequence[Found]:
        """What is new; of each partition in its order."""
        with kafka_errors(self._named, "READ"):
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        return [
            Found(one.topic, one.partition, one.offset, one.key, one.value, one.headers)
            for records in found.values()
            for one in records
        ]
