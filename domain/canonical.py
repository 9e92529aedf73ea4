"""The canonical bytes of a ledger row, as PostgreSQL's `record_send` writes them: what is hashed.

Big-endian: int32 number of columns; for each int32 type oid, int32 length, the bytes. Times are microseconds since
2000. An auditor hashes them again.
"""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta

from domain.event import Event

INT2, INT8, TEXT, BYTEA, TIMESTAMPTZ, UUID_ = 21, 20, 25, 17, 1184, 2950
COLUMNS = (
    ("position", INT8),
    ("partition", INT2),
    ("partition_seq", INT8),
    ("stream_id", UUID_),
    ("stream_version", INT8),
    ("subject_id", UUID_),
    ("subject_seq", INT8),
    ("event_id", UUID_),
    ("command_id", UUID_),
    ("correlation_id", UUID_),
    ("causation_id", UUID_),
    ("occurred_at", TIMESTAMPTZ),
    ("recorded_at", TIMESTAMPTZ),
    ("type", TEXT),
    ("actor", TEXT),
    ("origin", TEXT),
    ("data", BYTEA),
    ("fingerprint", BYTEA),
)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_HEAD = struct.Struct("!ii").pack
_INT8 = struct.Struct("!q").pack
_START = len(COLUMNS).to_bytes(4, "big")
_INT2_HEAD, _INT8_HEAD, _TIME_HEAD, _UUID_HEAD = _HEAD(INT2, 2), _HEAD(INT8, 8), _HEAD(TIMESTAMPTZ, 8), _HEAD(UUID_, 16)


def microseconds(time: datetime) -> int:
    """Whole microseconds since 2000-01-01 UTC, as PostgreSQL counts."""
    return (time - EPOCH) // MICROSECOND


def canonical(e: Event) -> bytes:
    """The bytes whose SHA-256 is the row's hash."""
    texts = ((TEXT, e.type.encode()), (TEXT, e.actor.encode()), (TEXT, e.origin.encode()))
    parts = [
        *(_START, _INT8_HEAD, _INT8(e.position), _INT2_HEAD, e.partition.to_bytes(2, "big")),
        *(_INT8_HEAD, _INT8(e.partition_seq), _UUID_HEAD, e.stream_id.bytes, _INT8_HEAD, _INT8(e.stream_version)),
        *(_UUID_HEAD, e.subject_id.bytes, _INT8_HEAD, _INT8(e.subject_seq), _UUID_HEAD, e.event_id.bytes),
        *(_UUID_HEAD, e.command_id.bytes, _UUID_HEAD, e.correlation_id.bytes, _UUID_HEAD, e.causation_id.bytes),
        *(_TIME_HEAD, _INT8(microseconds(e.occurred_at)), _TIME_HEAD, _INT8(microseconds(e.recorded_at))),
        *(part for oid, v in (*texts, (BYTEA, e.data), (BYTEA, e.fingerprint)) for part in (_HEAD(oid, len(v)), v)),
    ]
    return b"".join(parts)


def row_hash(e: Event) -> bytes:
    return hashlib.sha256(canonical(e)).digest()
