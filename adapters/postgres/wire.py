"""PostgreSQL's binary forms of what the ledger takes and answers."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from psycopg.pq.abc import PGresult

from adapters.ids import uuid7_bytes
from domain.canonical import BYTEA, EPOCH, INT8, TEXT, TIMESTAMPTZ, UUID_, microseconds
from domain.errors import ConflictError
from domain.event import Event
from domain.moments import EARLIEST_READ, LAST
from domain.ports import Append, NewFact, Write

INT4, BOOL = 23, 16
EVENT_COLUMNS = (
    "position, partition, partition_seq, stream_id, stream_version, subject_id, subject_seq, event_id, command_id, "
    "correlation_id, causation_id, occurred_at, recorded_at, type, actor, origin, data, fingerprint, hash"
)

_EARLIEST, _LATEST = microseconds(EARLIEST_READ), microseconds(LAST)
_ARRAY = struct.Struct("!iiIii").pack
_LENGTH = struct.Struct("!i").pack
_PAIR = struct.Struct("!ii").pack
_INT8 = struct.Struct("!q").pack
_COMMAND = struct.Struct("!ii iii ii16s").pack
_EXPECTATION = struct.Struct("!ii iii ii16s iiq ii?").pack
_FACT_BYTES = 4 + 12 + 6 * 24 + 2 * 16 + 5 * 8  # without the content of the five texts
_FACT_HEAD = (14).to_bytes(4, "big") + _PAIR(INT4, 4)  # so many columns, the first of them the request
_UUID_HEAD, _INT8_HEAD, _TIME_HEAD = _PAIR(UUID_, 16), _PAIR(INT8, 8), _PAIR(TIMESTAMPTZ, 8)
_FACT = struct.Struct("!8s16s 8sq 8s16s 8s16s 8s16s 8s16s 8s16s 8sq ii").pack


def encode_int8(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


def encode_array(oid: int, items: Sequence[bytes]) -> bytes:
    """An array of items that carry their own length."""
    return _ARRAY(1, 0, oid, len(items), 1) + b"".join(items)


def encode_uuids(ids: Iterable[UUID]) -> bytes:
    return encode_array(UUID_, [b"\0\0\0\x10" + x.bytes for x in ids])


def encode_int8s(values: Iterable[int]) -> bytes:
    return encode_array(INT8, [b"\0\0\0\x08" + encode_int8(value) for value in values])


def encode_texts(texts: Iterable[str]) -> bytes:
    return encode_array(TEXT, [_LENGTH(len(x)) + x for x in map(str.encode, texts)])


class EncodedAppend:
    """One append as the arrays' items, except the number of its request, which is known when its group is formed."""

    __slots__ = ("_commands", "_expectations", "_facts", "command_ids")

    def __init__(self, append: Append) -> None:
        self._commands = [write.command_id.bytes for write in append.writes]
        self.command_ids = frozenset(self._commands)
        self._facts = list(_encode_facts(append))
        self._expectations = [(stream.bytes, version, True) for stream, version in append.expected.items()]
        self._expectations += [(stream.bytes, version, False) for stream, version in append.guards.items()]

    def __len__(self) -> int:
        return len(self._facts)

    def facts(self, request: int) -> list[bytes]:
        number = request.to_bytes(4, "big")
        return [head + number + rest for head, rest in self._facts]

    def commands(self, request: int) -> list[bytes]:
        return [_COMMAND(40, 2, INT4, 4, request, UUID_, 16, command) for command in self._commands]

    def expectations(self, request: int) -> list[bytes]:
        return [_EXPECTATION(65, 4, INT4, 4, request, UUID_, 16, stream, INT8, 8, version, BOOL, 1, writes)
                for stream, version, writes in self._expectations]  # fmt: skip


def _encode_facts(append: Append) -> Iterable[tuple[bytes, bytes]]:
    versions = dict(append.expected)
    for write in append.writes:
        for new in write.facts:
            if new.stream_id not in versions:
                raise ConflictError("a stream is written that is not expected", stream=new.stream_id)
            versions[new.stream_id] += 1
            yield _encode_fact(write, new, versions[new.stream_id])


def _encode_fact(write: Write, new: NewFact, version: int) -> tuple[bytes, bytes]:
    """The item in two parts, between which the request's number goes."""
    data, kind = new.data, new.fact.TYPE.encode()
    actor, origin, fingerprint, uuid = write.actor.encode(), write.origin.encode(), write.fingerprint, _UUID_HEAD
    size = _FACT_BYTES + len(kind) + len(actor) + len(origin) + len(data) + len(fingerprint)
    start = _FACT(
        *(uuid, new.stream_id.bytes, _INT8_HEAD, version, uuid, new.subject_id.bytes, uuid, uuid7_bytes()),
        *(uuid, write.command_id.bytes, uuid, write.correlation_id.bytes, uuid, write.causation_id.bytes),
        *(_TIME_HEAD, microseconds(write.occurred_at), TEXT, len(kind)),
    )
    rest = (start, kind, _PAIR(TEXT, len(actor)), actor, _PAIR(TEXT, len(origin)), origin,
            _PAIR(BYTEA, len(data)), data, _PAIR(BYTEA, len(fingerprint)), fingerprint)  # fmt: skip
    return size.to_bytes(4, "big") + _FACT_HEAD, b"".join(rest)


def decode_int(value: bytes | None) -> int:
    return int.from_bytes(value or b"", "big", signed=True)


def decode_int4s(array: bytes | None) -> list[int]:
    return [decode_int(item) for item in _items(array or b"", 4)]


def decode_int8s(array: bytes | None) -> list[int]:
    return [decode_int(item) for item in _items(array or b"", 8)]


def _items(array: bytes, size: int) -> Iterable[bytes]:
    return (array[at : at + size] for at in range(24, len(array), size + 4))


@lru_cache(16_384)  # the same streams and subjects come again and again
def decode_uuid(value: bytes) -> UUID:
    return UUID(bytes=value)


def decode_time(value: bytes) -> datetime:
    """The nearest one that Python can show: older releases wrote times before year 1."""
    told = int.from_bytes(value, "big", signed=True)
    return EPOCH + timedelta(microseconds=min(max(told, _EARLIEST), _LATEST))


def decode_events(result: PGresult) -> list[Event]:
    """Rows of EVENT_COLUMNS."""
    return [_decode_event([result.get_value(i, n) or b"" for n in range(19)]) for i in range(result.ntuples)]


def _decode_event(v: list[bytes]) -> Event:
    number, uuid = decode_int, decode_uuid
    return Event(
        *(number(v[0]), number(v[1]), number(v[2]), uuid(v[3]), number(v[4]), uuid(v[5]), number(v[6])),
        *(UUID(bytes=v[7]), uuid(v[8]), uuid(v[9]), uuid(v[10]), decode_time(v[11]), decode_time(v[12])),
        *(v[13].decode(), v[14].decode(), v[15].decode(), v[16], v[17], v[18]),
    )
