"""A producer whose bytes in flight are bounded, and that stops for good at the first record Kafka doesn't take."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from adapters.kafka.cluster import REQUEST_S, Cluster
from adapters.kafka.topic_errors import SendFailedError, TopicReplacedError, kafka_errors, tell

IN_FLIGHT_BYTES = 8 * 1024 * 1024
DELIVERY_S = 120.0
GRACE_S = 30.0
CLOSE_S = 5.0
ENVELOPE_BYTES = 700  # about: key and headers
UNKNOWN_OFFSET = -1


class Row(Protocol):
    """A record and where it goes."""

    @property
    def position(self) -> int: ...
    @property
    def partition(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def key(self) -> bytes: ...
    @property
    def value(self) -> bytes: ...
    @property
    def headers(self) -> list[tuple[str, bytes]]: ...
    @property
    def timestamp_ms(self) -> int: ...


Watch = Callable[[Row], Callable[[], None] | None]
"""Told of each record before it is sent; what it returns is called when Kafka has it, by the sending thread."""


class InFlight(NamedTuple):
    """A record sent; the future is kafka-python's."""

    position: int
    seq: int
    size: int
    sent_at: float
    future: Any


class BoundedProducer:
    """Sends to one topic, idempotent and acknowledged by all; any trouble raises SendFailedError, and it is used up."""

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        in_flight_bytes: int = IN_FLIGHT_BYTES,
        delivery_s: float = DELIVERY_S,
        is_dense: bool = True,
        watch: Watch | None = None,
    ) -> None:
        """`is_dense`: the record of sequence n lies at offset n - 1, or beyond it."""
        self._is_dense = is_dense
        self._reached: dict[int, int] = {}  # by partition the newest record's offset, where it isn't
        self._topic, self._most, self._patience_s = topic, in_flight_bytes, delivery_s + GRACE_S
        self._watch = watch
        settings = {**cluster.settings(), "request_timeout_ms": int(min(REQUEST_S, delivery_s) * 1000)}
        with kafka_errors(topic, "WRITE"):
            self._producer: Any = KafkaProducer(
                **settings,
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=int(delivery_s * 1000),
                max_block_ms=int(REQUEST_S * 1000),
                batch_size=65_536,
                metrics_enabled=False,
                allow_auto_create_topics=False,
            )
        self._pending: deque[InFlight] = deque()
        self._bytes = 0
        self._failure: BaseException | None = None

    def send(self, row: Row, timeout_s: float) -> bool:
        """False when there is no room for it in time; kafka-python itself would take any number."""
        size = len(row.value) + ENVELOPE_BYTES
        acknowledged = self._watch(row) if self._watch else None
        if self._bytes + size > self._most and not self._await_room(size, timeout_s):
            return False
        if self._failure is not None:
            self._fail(self._failure)
        future = self._dispatch(row)
        future.add_errback(self._stop_sending)
        if acknowledged:
            future.add_callback(lambda _: acknowledged())
        self._pending.append(InFlight(row.position, row.seq, size, time.monotonic(), future))
        self._bytes += size
        return True

    def oldest_unacknowledged(self) -> int | None:
        """The position of the first record sent that Kafka has not acknowledged."""
        self._settle()
        return self._pending[0].position if self._pending else None

    def flush(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self._pending:
            if not self._await_oldest(deadline - time.monotonic()):
                raise SendFailedError(topic=self._topic, waited_s=timeout_s)

    def close(self) -> None:
        """At once; what is in flight may arrive or not."""
        self._abort()
        # The library's own close first waits for all that is in flight, and gives up without closing when that fails.
        self._producer._sender.join(CLOSE_S)  # noqa: SLF001 there is no public way
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=0)

    def _dispatch(self, row: Row) -> Any:
        try:
            return self._producer.send(
                self._topic,
                value=row.value,
                key=row.key or None,
                headers=row.headers,
                partition=row.partition,
                timestamp_ms=row.timestamp_ms,
            )
        except (KafkaError, ValueError) as error:  # ValueError: the partition is no more
            self._fail(error)

    def _stop_sending(self, error: BaseException) -> None:
        """Called by the sending thread before it sends anything else, or the next record would leave a hole."""
        if self._failure is None:
            self._failure = error
        self._abort()

    def _abort(self) -> None:
        self._producer._sender.force_close()  # noqa: SLF001 there is no public way

    def _await_room(self, size: int, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        self._settle()
        while self._pending and self._bytes + size > self._most:
            if not self._await_oldest(deadline - time.monotonic()):
                return False
        return True

    def _await_oldest(self, timeout_s: float) -> bool:
        future = self._pending[0].future
        with contextlib.suppress(KafkaError):
            future.get(timeout=max(0.0, timeout_s))
        self._settle()
        return bool(future.is_done)

    def _settle(self) -> None:
        """Takes account of what Kafka has answered."""
        if self._failure is not None:
            self._fail(self._failure)
        pending = self._pending
        while pending and pending[0].future.is_done:
            done = pending.popleft()
            if done.future.exception is not None:
                self._fail(done.future.exception)
            if UNKNOWN_OFFSET < done.future.value.offset < self._least_offset(done):
                raise TopicReplacedError(topic=self._topic, offset=done.future.value.offset, sequence=done.seq)
            self._bytes -= done.size
        if pending and time.monotonic() - pending[0].sent_at > self._patience_s:
            raise SendFailedError(topic=self._topic, waited_s=self._patience_s)

    def _least_offset(self, done: InFlight) -> int:
        if self._is_dense:
            return done.seq - 1
        partition, offset = done.future.value.partition, done.future.value.offset
        least = self._reached.get(partition, UNKNOWN_OFFSET) + 1
        self._reached[partition] = max(offset, least - 1)
        return least

    def _fail(self, error: BaseException) -> Any:
        raise SendFailedError(topic=self._topic, reason=tell(error)) from error
