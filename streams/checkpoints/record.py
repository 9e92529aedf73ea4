"""PostgreSQL's binary form of a row, `record_send(row(…))`: what is hashed, written and read without a database."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.errors import RelatoError

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NULL_LENGTH = -1

Value = int | str | bytes | UUID | datetime | None


class RecordError(RelatoError):
    """The row's bytes are not what PostgreSQL's record_send writes, or not of these columns."""


def encode_record(values: Sequence[tuple[int, bytes | None]]) -> bytes:
    """What `record_send(row(…))` writes for columns of these type oids and binary values; None is null."""
    columns = (
        struct.pack(">Ii", oid, NULL_LENGTH if content is None else len(content)) + (content or b"")
        for oid, content in values
    )
    return struct.pack(">i", len(values)) + b"".join(columns)


def decode_record(record: bytes) -> list[tuple[int, bytes | None]]:
    """Type oid and binary value of each column; every byte must be accounted for."""
    values, at = list[tuple[int, bytes | None]](), 4
    try:
        for _ in range(struct.unpack_from(">i", record)[0]):
            oid, length = struct.unpack_from(">Ii", record, at)
            at += 8 + max(length, 0)
            values.append((oid, None if length == NULL_LENGTH else record[at - length : at]))
    except struct.error as error:
        raise RecordError(length=len(record)) from error
    if encode_record(values) != record:
        raise RecordError(length=len(record), read=at)
    return values


def _number(form: str) -> Callable[[bytes], int]:
    def read(content: bytes) -> int:
        number: int = struct.unpack(form, content)[0]
        return number

    return read


def _time(content: bytes) -> datetime:
    return POSTGRES_EPOCH + timedelta(microseconds=_number(">q")(content))


READERS: Mapping[int, Callable[[bytes], Value]] = {
    16: _number(">?"),
    17: bytes,
    20: _number(">q"),
    21: _number(">h"),
    23: _number(">i"),
    25: bytes.decode,
    1184: _time,
    2950: lambda content: UUID(bytes=content),
}
"""By type oid: bool, bytea, int8, int2, int4, text, timestamptz, uuid."""


def read_record(record: bytes, columns: Sequence[str]) -> dict[str, Value]:
    """The row's values by column name."""
    values = decode_record(record)
    if len(values) != len(columns):
        raise RecordError(columns=len(columns), found=len(values))
    return {name: _read_value(name, *value) for name, value in zip(columns, values, strict=True)}


def _read_value(name: str, oid: int, content: bytes | None) -> Value:
    if oid not in READERS:
        raise RecordError(column=name, unknown_type_oid=oid)
    try:
        return None if content is None else READERS[oid](content)
    except (struct.error, ValueError, OverflowError) as error:
        raise RecordError(column=name, type_oid=oid) from error
