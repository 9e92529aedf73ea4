"""Signed checkpoints on a topic of their own, each acknowledged before the next is sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from adapters.kafka.admin import Spec, check_topic
from adapters.kafka.checksum import require_fast_checksum
from adapters.kafka.cluster import Cluster
from adapters.kafka.producer import BoundedProducer
from adapters.kafka.tails import TailReader
from domain.errors import UnavailableError

ACKNOWLEDGED_S = 15.0
DELIVERY_S = 10.0
TEXT = [("content-type", b"text/plain; charset=utf-8")]


class NoteRow(NamedTuple):
    """A note as a record; notes have no sequence, their tree's size orders them."""

    value: bytes
    timestamp_ms: int
    position: int = 0
    partition: int = 0
    seq: int = 1
    key: bytes = b"checkpoint"
    headers: list[tuple[str, bytes]] = TEXT


class KafkaNotes:
    """One publisher at a time: the checkpointer. Raises UnavailableError, after which it may be called again."""

    def __init__(self, cluster: Cluster, spec: Spec) -> None:
        self._cluster, self._spec = cluster, spec
        self._producer: BoundedProducer | None = None

    def last(self) -> str | None:
        """The newest note on the topic."""
        reader = TailReader(self._cluster, self._spec.name, 1, _read_note)
        try:
            first, end = reader.extents()[0]
            return reader.peek({0: end - 1})[0] if first < end else None
        finally:
            reader.close()

    def publish(self, note: str) -> None:
        """A note whose acknowledgement was lost may be there or not: ask for the last one."""
        try:
            if self._producer is None:
                self._producer = self._open()
            self._producer.send(NoteRow(note.encode(), time.time_ns() // 1_000_000), ACKNOWLEDGED_S)
            self._producer.flush(ACKNOWLEDGED_S)
        except UnavailableError:
            self.close()
            raise

    def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            producer.close()

    def _open(self) -> BoundedProducer:
        require_fast_checksum()
        check_topic(self._cluster, self._spec.name, self._spec.partitions, "WRITE")
        return BoundedProducer(self._cluster, self._spec.name, delivery_s=DELIVERY_S)


def _read_note(_partition: int, _offset: int, value: bytes | None, _headers: Sequence[tuple[str, bytes]]) -> str:
    return (value or b"").decode(errors="replace")
