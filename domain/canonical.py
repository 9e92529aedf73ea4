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

_FIXED = struct.Struct("!i iiq iih iiq ii16s iiq ii16s iiq ii16s ii16s ii16s ii16s iiq iiq").pack
_HEAD = struct.Struct("!ii").pack


def microseconds(time: datetime) -> int:
    """Whole microseconds since 2000-01-01 UTC, as PostgreSQL counts."""
    return (time - EPOCH) // MICROSECOND


def canonical(e: Event) -> bytes:
    """The bytes whose SHA-256 is the row's hash."""
    fixed = _FIXED(
        *(len(COLUMNS), INT8, 8, e.position, INT2, 2, e.partition, INT8, 8, e.partition_seq),
        *(
            UUID_,
            16,
            e.stream_id.bytes,
            INT8,
            8,
            e.stream_version,
            UUID_,
            16,
            e.subject_id.bytes,
            INT8,
            8,
            e.subject_seq,
        ),
        *(UUID_, 16, e.event_id.bytes, UUID_, 16, e.command_id.bytes, UUID_, 16, e.correlation_id.bytes),
        *(UUID_, 16, e.causation_id.bytes, TIMESTAMPTZ, 8, microseconds(e.occurred_at)),
        *(TIMESTAMPTZ, 8, microseconds(e.recorded_at)),
    )
    texts = ((TEXT, e.type.encode()), (TEXT, e.actor.encode()), (TEXT, e.origin.encode()))
    return fixed + b"".join(_HEAD(oid, len(v)) + v for oid, v in (*texts, (BYTEA, e.data), (BYTEA, e.fingerprint)))


def row_hash(e: Event) -> bytes:
    return hashlib.sha256(canonical(e)).digest()
