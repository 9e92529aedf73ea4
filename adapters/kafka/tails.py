"""Reads a topic back: its extents, and the records at its ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.cluster import REQUEST_S, Cluster
from adapters.kafka.topic_errors import KafkaAwayError, kafka_errors

H = TypeVar("H")

Identify = Callable[[int, int, bytes | None, Sequence[tuple[str, bytes]]], H]

STALL_S = 20.0
POLL_MS = 500


class TailReader(Generic[H]):
    """`identify(partition, offset, value, headers)` tells what a record is. Raises what `kafka_errors` does."""

    def __init__(self, cluster: Cluster, topic: str, partitions: int, identify: Identify[H]) -> None:
        self._topic, self._identify = topic, identify
        self._partitions = [TopicPartition(topic, partition) for partition in range(partitions)]
        with kafka_errors(topic, "READ"):
            self._consumer: Any = KafkaConsumer(
                **cluster.settings(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=5000,
                max_partition_fetch_bytes=256 * 1024,
                fetch_max_wait_ms=100,
                metrics_enabled=False,
                allow_auto_create_topics=False,
            )

    def extents(self) -> dict[int, tuple[int, int]]:
        """Of each partition the offset of the first record, and the one after the last."""
        with kafka_errors(self._topic, "DESCRIBE"):
            firsts = self._consumer.beginning_offsets(self._partitions, timeout_ms=int(REQUEST_S * 1000))
            ends = self._consumer.end_offsets(self._partitions, timeout_ms=int(REQUEST_S * 1000))
        return {place.partition: (firsts[place], ends[place]) for place in self._partitions}

    def peek(self, offsets: Mapping[int, int]) -> dict[int, H]:
        """The record at each offset, which lies before the end."""
        found: dict[int, H] = {}
        for partition, records in self._read(offsets, until=dict(offsets)):
            found.setdefault(partition, self._tell(records[0]))
        return found

    def read(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Sequence[H]]:
        """All records from the starts to the ends (exclusive)."""
        wanted = {partition: start for partition, start in starts.items() if start < ends[partition]}
        for _, records in self._read(wanted, until={partition: ends[partition] - 1 for partition in wanted}):
            yield [self._tell(record) for record in records]

    def close(self) -> None:
        with kafka_errors(self._topic, "READ"):
            self._consumer.close(timeout_ms=1000)

    def _tell(self, record: Any) -> H:
        return self._identify(record.partition, record.offset, record.value, record.headers)

    def _read(self, starts: Mapping[int, int], until: dict[int, int]) -> Iterator[tuple[int, list[Any]]]:
        """Records of a partition at a time, until each has come to its last offset; some go on beyond it."""
        with kafka_errors(self._topic, "READ"):
            self._consumer.assign([self._partitions[partition] for partition in starts])
            for partition, offset in starts.items():
                self._consumer.seek(self._partitions[partition], offset)
        deadline = time.monotonic() + STALL_S
        while until:
            with kafka_errors(self._topic, "READ"):
                found = self._consumer.poll(timeout_ms=POLL_MS)
            for place, records in found.items():
                yield place.partition, records
                if records[-1].offset >= until.get(place.partition, 0):
                    until.pop(place.partition, None)  # not paused: kafka-python then holds back what it has fetched
            deadline = time.monotonic() + STALL_S if found else deadline
            if time.monotonic() > deadline:
                raise KafkaAwayError(topic=self._topic, waited_s=STALL_S)
