"""A ledger row as a Kafka record and back: CloudEvents 1.0 in binary mode, and one header with the rest of the row.

Each header costs a Python client more than a microsecond, so what CloudEvents doesn't ask for shares one, as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID, SafeUUID

from pydantic_core import from_json

from domain.canonical import microseconds
from domain.errors import RelatoError
from domain.event import Event
from projections.engine.sources import Passed
from streams.tails import Held

ROW = "relato"
UUID_LENGTH = 36
EPOCH_MS = 946_684_800_000  # 2000-01-01, from where PostgreSQL counts

Headers = Mapping[str, bytes] | Sequence[tuple[str, bytes]]
Taken = tuple[int, bytes | None, bytes | None, Mapping[str, bytes]]  # a record's offset, key, value, headers

_GLANCE = re.compile(rb'\{"position":\d+,"partition_seq":(\d+),.*,"hash":"([0-9a-f]{64})"\}', re.DOTALL)
_fromisoformat, _fromhex = datetime.fromisoformat, bytes.fromhex
_new_uuid, _UNKNOWN = object.__new__, SafeUUID.unknown
_set_int, _set_is_safe = (vars(UUID)[slot].__set__ for slot in ("int", "is_safe"))


class MalformedRecordError(RelatoError):
    """A record of the topic was not written by a relay; find out who else writes there, then republish the topic."""


class Outgoing(NamedTuple):
    """A row on its way to a topic: its position in the source's one order, its place in the topic, and the record."""

    position: int
    partition: int
    seq: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


def encode(event: Event, source: str) -> Outgoing:
    """The record of an event; `source` names the installation, as `/relato/<name>`."""
    row = {
        "position": event.position,
        "partition_seq": event.partition_seq,
        **told_of(event),
        "fingerprint": event.fingerprint.hex(),
        "hash": event.hash.hex(),
    }
    place = (event.position, event.partition, event.partition_seq)
    return Outgoing(
        *place, event.subject_id.bytes, event.data, headers_of(event, event.type, source, row), timestamp_of(event)
    )


def headers_of(event: Event, type_: str, source: str, row: Mapping[str, object]) -> list[tuple[str, bytes]]:
    """Of an event told as this type, with this rest of its row."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.event_id).encode()),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_time", rfc3339(event.occurred_at).encode()),
        (ROW, json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()),
    ]


def timestamp_of(event: Event) -> int:
    """The record's, in milliseconds."""
    return microseconds(event.recorded_at) // 1000 + EPOCH_MS


def told_of(event: Event) -> dict[str, object]:
    """What everybody may be told of a row whose fact they are told."""
    return {
        "stream_id": str(event.stream_id),
        "stream_version": event.stream_version,
        "subject_seq": event.subject_seq,
        "command_id": str(event.command_id),
        "correlation_id": str(event.correlation_id),
        "causation_id": str(event.causation_id),
        "recorded_at": rfc3339(event.recorded_at),
        "actor": event.actor,
        "origin": event.origin,
    }


def rfc3339(time: datetime) -> str:
    """Always with microseconds, so that nothing of the time is lost."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decode_wanted(partition: int, record: Taken, skip: Collection[str]) -> Event | Passed:
    """The event of a record, or what is left of it when its type is in `skip`; raises MalformedRecordError."""
    offset, key, value, headers = record
    try:
        if (type_ := headers["ce_type"].decode()) in skip:
            return _glance(partition, type_, headers[ROW])
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error
    return decode(partition, offset, key, value, headers)


def decode(partition: int, offset: int, key: bytes | None, value: bytes | None, headers: Headers) -> Event:
    """The event of a record, whose `row_hash` is again its `hash`; raises MalformedRecordError."""
    try:
        named = headers if isinstance(headers, dict) else dict(headers)
        row = from_json(named[ROW], cache_strings="keys")
        return Event(
            row["position"],
            partition,
            row["partition_seq"],
            _known_uuid(row["stream_id"]),
            row["stream_version"],
            _subject(key or b""),
            row["subject_seq"],
            _uuid(named["ce_id"].decode()),
            _known_uuid(row["command_id"]),
            _known_uuid(row["correlation_id"]),
            _known_uuid(row["causation_id"]),
            _fromisoformat(named["ce_time"].decode()),
            _fromisoformat(row["recorded_at"]),
            named["ce_type"].decode(),
            row["actor"],
            row["origin"],
            value or b"",
            _fromhex(row["fingerprint"]),
            _fromhex(row["hash"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error


def _glance(partition: int, type_: str, row: bytes) -> Passed:
    if found := _GLANCE.fullmatch(row):
        return Passed(partition, int(found[1]), type_, _fromhex(found[2].decode()))
    read = from_json(row, cache_strings="keys")  # as JSON it is the same, however it is written
    return Passed(partition, read["partition_seq"], type_, _fromhex(read["hash"]))


def _uuid(text: str) -> UUID:
    """As UUID(text) makes it, in a quarter of the time."""
    made: UUID = _new_uuid(UUID)
    if len(text) != UUID_LENGTH:
        raise ValueError(text)
    _set_int(made, int(text.replace("-", ""), 16))
    _set_is_safe(made, _UNKNOWN)
    return made


_known_uuid = lru_cache(16_384)(_uuid)  # the same streams and commands come again and again


@lru_cache(16_384)
def _subject(key: bytes) -> UUID:
    return UUID(bytes=key)


def identify(partition: int, offset: int, _value: bytes | None, headers: Headers) -> Held:
    """What a record says of its row, without the rest; raises MalformedRecordError."""
    try:
        row = from_json(dict(headers)[ROW], cache_strings="keys")
        return Held(partition, offset, row["partition_seq"], row["position"], _fromhex(row["hash"]))
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error
