"""Reads records out of Kafka's batches at a third of the cost: kafka-python spends more on one than a fold does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch

MORE = 0x80  # the bit of a varint's byte after which another comes


class Record(NamedTuple):
    """What is needed of a record."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


def read_plainly(consumer: KafkaConsumer) -> None:
    """From now on the consumer polls Records instead of kafka-python's."""
    headers = Headers()

    class Plain(PlainRecords):
        read_headers = headers

    consumer._fetcher.PartitionRecords = Plain  # noqa: SLF001 there is no public way


class Headers:
    """Reads the headers of a record, given the buffer and where they begin; answers where they end too.

    Those of one topic look alike. So it learns which names come, and which values never changed, and compares all that
    lies between two values that do change at once.
    """

    def __init__(self) -> None:
        self._seen: dict[str, bytes] = {}
        self._fixed: dict[str, bytes] = {}
        self._parts: list[tuple[bytes, int, str]] = []  # what lies before a value, its length, the value's name
        self._changing: set[str] = set()

    def __call__(self, buffer: bytes, begin: int) -> tuple[dict[str, bytes], int]:
        found, at = self._fixed.copy(), begin
        for before, length, name in self._parts:
            if not buffer.startswith(before, at):
                break
            at += length
            size = buffer[at]
            if size & MORE:
                size, at = read_varint(buffer, at)
            else:
                size, at = size >> 1, at + 1
            found[name] = buffer[at : at + size]
            at += size
        else:
            if self._parts:
                return found, at
        return self._learn(buffer, begin)

    def _learn(self, buffer: bytes, begin: int) -> tuple[dict[str, bytes], int]:
        count, at = read_varint(buffer, begin)
        found: dict[str, bytes] = {}
        parts: list[tuple[bytes, int, str]] = []
        start = begin
        for n in range(count):
            raw, at = read_bytes(buffer, at)
            name = (raw or b"").decode()
            named_at = at
            value, at = read_bytes(buffer, at)
            found[name] = value or b""
            if self._seen.get(name, value) != value:
                self._changing.add(name)
            if name in self._changing or n == count - 1:
                parts.append((buffer[start:named_at], named_at - start, name))
                start = at
        self._fixed = {name: value for name, value in found.items() if name not in {part[2] for part in parts}}
        self._seen, self._parts = found, parts
        return found, at


class PlainRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python has no types
    """What was fetched of one partition."""

    read_headers: Headers

    def _unpack_records(self, _place: Any, batches: Any, *_deserializers: Any) -> Iterator[Record]:
        for batch in batches:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(f"the batch at offset {batch.base_offset} of {self.topic_partition}")
            self.leader_epoch = batch.leader_epoch
            for record in () if batch.is_control_batch else read_batch(batch, self.read_headers):
                self.next_fetch_offset = record.offset + 1
                self.bytes_read += 1  # any number but 0: the partition goes to the end of the queue
                yield record
            self.next_fetch_offset = batch.next_offset
        self.drain()


def read_batch(batch: DefaultRecordBatch, read_headers: Headers) -> Iterator[Record]:
    """The records of a batch whose checksum is right; CorruptRecordError when it isn't what Kafka writes."""
    batch._maybe_uncompress()  # noqa: SLF001 there is no public way
    buffer, at, base = bytes(batch._buffer), batch._pos, batch.base_offset  # noqa: SLF001 as above
    try:
        for _ in range(batch.records_count):
            length, at = read_varint(buffer, at)
            end = at + length
            at += 1  # attributes, then the time
            while buffer[at] & MORE:
                at += 1
            delta, at = read_varint(buffer, at + 1)
            key, at = read_bytes(buffer, at)
            value, at = read_bytes(buffer, at)
            headers, at = read_headers(buffer, at)
            if at != end:
                raise CorruptRecordError(f"a record of the batch at offset {base}")
            yield Record(base + delta, key, value, headers)
    except (IndexError, ValueError) as error:
        raise CorruptRecordError(f"a record of the batch at offset {base}") from error


def read_bytes(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = read_varint(buffer, at)
    return (None, at) if size < 0 else (buffer[at : at + size], at + size)


def read_varint(buffer: bytes, at: int) -> tuple[int, int]:
    """The number, signs folded in as Kafka does, and where it ends."""
    value = buffer[at]
    at += 1
    if value & MORE:
        value, shift = value & 0x7F, 7
        while (byte := buffer[at]) & MORE:
            value |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
        value, at = value | byte << shift, at + 1
    return (value >> 1) ^ -(value & 1), at
