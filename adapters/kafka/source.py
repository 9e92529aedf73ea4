"""A topic as a source for folds: the places to read on from are the reader's own, no offset is stored in Kafka."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.admin import Spec, check_topic
from adapters.kafka.checksum import require_fast_checksum
from adapters.kafka.cluster import Cluster
from adapters.kafka.records import Record, read_plainly
from adapters.kafka.topic_errors import kafka_errors
from domain.errors import RelatoError, UnavailableError

CHECK_EVERY_S = 30.0  # while nothing comes
GRACE_MS = 2
LONGEST = 8  # times as many as are wanted


class Sequenced(Protocol):
    """What a record decodes to."""

    @property
    def partition(self) -> int: ...
    @property
    def partition_seq(self) -> int: ...
    @property
    def type(self) -> str: ...


E = TypeVar("E", bound=Sequenced)

Decode = Callable[[int, Record, Collection[str]], E]


class KafkaSource(Generic[E]):
    """In order within each partition; repeats and gaps are the reader's to mend.

    The record of sequence n lies at offset n - 1, or beyond it where records were repeated: so offset n is where to go
    on after it. `decode(partition, record, skip)` makes the event of a record, of a type in `skip` perhaps less.
    """

    def __init__(
        self, cluster: Cluster, spec: Spec, *, decode: Decode[E], check_every_s: float = CHECK_EVERY_S
    ) -> None:
        self._cluster, self._spec, self._decode, self._check_every_s = cluster, spec, decode, check_every_s
        self._consumer: Any = None
        self._places: dict[int, int] = {}
        self._heard_at = 0.0

    def poll(self, after: Mapping[int, int], limit: int, timeout_s: float, skip: Collection[str] = ()) -> Sequence[E]:
        """What follows these sequences, about `limit` whose type is not in `skip`; waits up to `timeout_s` for any.

        Raises UnknownTopicError, WrongPartitionsError, NotAuthorisedError; KafkaAwayError, after which it may be called
        again.
        """
        try:
            if self._consumer is None:
                self._consumer = self._connect()
            with kafka_errors(self._spec.name, "READ"):
                self._seek(after)
            if not (events := self._read(limit, timeout_s, skip)):
                self._doubt_silence()
        except RelatoError:
            self.close()
            raise
        return events

    def _read(self, limit: int, timeout_s: float, skip: Collection[str]) -> list[E]:
        """What kafka-python hands over it fetched when it was last asked: what came since takes a second question."""
        events = new = self._events(self._ask(limit, int(timeout_s * 1000)), skip)
        wanted, is_last = 0, False
        while new and not is_last and len(events) < LONGEST * limit:
            if (wanted := wanted + sum(event.type not in skip for event in new)) * 2 > limit:
                break
            is_last = len(new) < limit
            new = self._events(self._ask(limit, GRACE_MS), skip)
            events = events + new
        return events

    def _ask(self, limit: int, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        with kafka_errors(self._spec.name, "READ"):
            found: Mapping[TopicPartition, Sequence[Record]]
            found = self._consumer.poll(timeout_ms=timeout_ms, max_records=limit)
        return found

    def close(self) -> None:
        consumer, self._consumer, self._places = self._consumer, None, {}
        if consumer is not None:
            with contextlib.suppress(UnavailableError), kafka_errors(self._spec.name, "READ"):
                consumer.close(timeout_ms=1000)

    def _connect(self) -> Any:
        require_fast_checksum()
        self._check()
        with kafka_errors(self._spec.name, "READ"):
            consumer = KafkaConsumer(
                **self._cluster.settings(),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_bytes=16 * 1024 * 1024,
                max_partition_fetch_bytes=4 * 1024 * 1024,
                fetch_max_wait_ms=100,
                metrics_enabled=False,
                allow_auto_create_topics=False,
            )
        read_plainly(consumer)
        return consumer

    def _check(self) -> None:
        check_topic(self._cluster, self._spec.name, self._spec.partitions, "READ")
        self._heard_at = time.monotonic()

    def _doubt_silence(self) -> None:
        """A topic that was deleted, or that we may no longer read, is as silent as one where nothing happens."""
        if time.monotonic() - self._heard_at > self._check_every_s:
            self._check()

    def _seek(self, after: Mapping[int, int]) -> None:
        """What is buffered of partitions that stay is kept."""
        if self._places.keys() != after.keys():
            self._consumer.assign([TopicPartition(self._spec.name, partition) for partition in after])
        for partition, seq in after.items():
            if self._places.get(partition) != seq:
                self._consumer.seek(TopicPartition(self._spec.name, partition), seq)
        self._places = dict(after)

    def _events(self, found: Mapping[TopicPartition, Sequence[Record]], skip: Collection[str]) -> list[E]:
        decode, places = self._decode, self._places
        events: list[E] = []
        for place, records in found.items():
            new = [decode(place.partition, record, skip) for record in records]
            # The highest, for what lies at the beginning of a topic that is filled again comes from further back.
            places[place.partition] = max(places[place.partition], *(event.partition_seq for event in new))
            events += new
            self._heard_at = time.monotonic()
        return events
