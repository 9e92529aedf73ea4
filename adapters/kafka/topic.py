"""A topic that one relay writes: checked when it is opened, read back, then sent to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from adapters.kafka.admin import Spec, check_topic
from adapters.kafka.checksum import require_fast_checksum
from adapters.kafka.cluster import Cluster
from adapters.kafka.producer import DELIVERY_S, IN_FLIGHT_BYTES, BoundedProducer, Row, Watch
from adapters.kafka.tails import Identify, TailReader
from adapters.kafka.topic_errors import KafkaAwayError, UnknownTopicError

H = TypeVar("H")

REBIRTH_S = 30.0


class KafkaTopic(Generic[H]):
    """`identify(partition, offset, value, headers)` tells what row a record is of.

    `is_dense`: all rows of a partition are sent, so that the one of sequence n lies at offset n - 1, or beyond it.
    """

    def __init__(
        self,
        cluster: Cluster,
        spec: Spec,
        *,
        identify: Identify[H],
        in_flight_bytes: int = IN_FLIGHT_BYTES,
        delivery_s: float = DELIVERY_S,
        is_dense: bool = True,
        watch: Watch | None = None,
    ) -> None:
        self._cluster, self._spec, self._identify = cluster, spec, identify
        self._in_flight_bytes, self._delivery_s, self._watch = in_flight_bytes, delivery_s, watch
        self._is_dense = is_dense
        self._tails: TailReader[H] | None = None
        self._producer: BoundedProducer | None = None
        self._missed_since: float | None = None
        self._was_there = False

    @property
    def name(self) -> str:
        return self._spec.name

    def open(self) -> None:
        """Raises SlowChecksumError, UnknownTopicError, WrongPartitionsError, NotAuthorisedError, KafkaAwayError."""
        require_fast_checksum()
        self._check()
        self._tails = TailReader(self._cluster, self.name, self._spec.partitions, self._identify)

    def extents(self) -> Mapping[int, tuple[int, int]]:
        return self._reader.extents()

    def peek(self, offsets: Mapping[int, int]) -> Mapping[int, H]:
        return self._reader.peek(offsets)

    def read(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Sequence[H]]:
        yield from self._reader.read(starts, ends)

    def send(self, row: Row, timeout_s: float) -> bool:
        """False when too much is in flight for so long; then it was not sent."""
        if self._producer is None:
            self._producer = self._produce()
        return self._producer.send(row, timeout_s)

    def oldest_unacknowledged(self) -> int | None:
        return self._producer.oldest_unacknowledged() if self._producer else None

    def flush(self, timeout_s: float) -> None:
        if self._producer:
            self._producer.flush(timeout_s)

    def close(self) -> None:
        """At once, whatever is in flight."""
        producer, tails, self._producer, self._tails = self._producer, self._tails, None, None
        if producer:
            producer.close()
        if tails:
            tails.close()

    @property
    def _reader(self) -> TailReader[H]:
        assert self._tails is not None, "the topic is not open"
        return self._tails

    def _produce(self) -> BoundedProducer:
        """Made when the topic has been read back, whose reader isn't needed any more."""
        if self._tails:
            self._tails.close()
            self._tails = None
        return BoundedProducer(
            self._cluster,
            self.name,
            in_flight_bytes=self._in_flight_bytes,
            delivery_s=self._delivery_s,
            is_dense=self._is_dense,
            watch=self._watch,
        )

    def _check(self) -> None:
        """A topic that was there may be about to be made anew, so its absence is borne for a while."""
        try:
            check_topic(self._cluster, self.name, self._spec.partitions, "READ", "WRITE")
        except UnknownTopicError as error:
            now = time.monotonic()
            self._missed_since = self._missed_since or now
            if self._was_there and now - self._missed_since < REBIRTH_S:
                raise KafkaAwayError(topic=self.name, reason="it was deleted") from error
            raise
        self._was_there, self._missed_since = True, None
