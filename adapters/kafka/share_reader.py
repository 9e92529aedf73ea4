"""A topic whose records name the one before them, read from a position on: repeats left out, what is missing named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar

from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.admin import Spec, check_topic
from adapters.kafka.cluster import REQUEST_S, Cluster
from adapters.kafka.topic_errors import kafka_errors


class Linked(Protocol):
    """What a record decodes to: its position, and that of the record before it in its partition."""

    @property
    def position(self) -> int: ...
    @property
    def previous(self) -> int: ...


L = TypeVar("L", bound=Linked)


class ShareReader(Generic[L]):
    """`decode(partition, offset, key, value, headers)` makes it of a record. Raises what `kafka_errors` does."""

    def __init__(self, cluster: Cluster, spec: Spec, decode: Callable[..., L], *, after: int = 0) -> None:
        check_topic(cluster, spec.name, spec.partitions, "READ")
        self._topic, self._decode, self._after = spec.name, decode, after
        self._partitions = [TopicPartition(spec.name, partition) for partition in range(spec.partitions)]
        self._last: dict[int, int] = {}
        self.missing_before: int | None = None  # a position up to which facts after `after` aren't here any more
        with kafka_errors(self._topic, "READ"):
            self._consumer: Any = KafkaConsumer(
                **cluster.settings(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=100,
                metrics_enabled=False,
                allow_auto_create_topics=False,
            )
            self._consumer.assign(self._partitions)
            self._consumer.seek_to_beginning(*self._partitions)
            self._ends: Mapping[TopicPartition, int]
            self._ends = self._consumer.end_offsets(self._partitions, timeout_ms=int(REQUEST_S * 1000))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with kafka_errors(self._topic, "READ"):
            self._consumer.close(timeout_ms=1000)

    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there when it was opened has been read."""
        with kafka_errors(self._topic, "READ"):
            return all(self._consumer.position(place) >= end for place, end in self._ends.items())

    def poll(self, timeout_s: float) -> Sequence[L]:
        """What is new, by position; of each partition in its order."""
        with kafka_errors(self._topic, "READ"):
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        new = [thing for place, records in found.items() for thing in self._take(place.partition, records)]
        return sorted(new, key=lambda thing: thing.position)

    def _take(self, partition: int, records: Sequence[Any]) -> Sequence[L]:
        taken = []
        for record in records:
            thing = self._decode(partition, record.offset, record.key, record.value, record.headers)
            if thing.position <= self._last.get(partition, self._after):
                continue
            if thing.previous > self._last.get(partition, self._after):
                self.missing_before = max(self.missing_before or 0, thing.position)
            taken.append(thing)
            self._last[partition] = thing.position
        return taken
