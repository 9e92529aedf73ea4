"""One customer's history as a document that an auditor verifies offline, with nothing but the log's public key.

What it shows: each row is in the ledger the checkpoint signed, at its position, as it was hashed, and none between the
subject's first and last one is left out. What it cannot show: that no later row of the subject was left off the end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from domain.errors import RelatoError
from streams.checkpoints.merkle import InclusionError, NodeHash, inclusion_proof, verify_inclusion
from streams.checkpoints.note import Checkpoint, NoteError, Verifier, base64_bytes, base64_text, open_note

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


def _from_base64(value: object) -> object:
    return base64_bytes(value) if isinstance(value, str) else value


Base64 = Annotated[bytes, BeforeValidator(_from_base64), PlainSerializer(base64_text, return_type=str)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class BundleRow(_Document):
    index: int = Field(ge=0, lt=1 << 63, description="position - 1")
    record: Base64 = Field(description="the row exactly as hashed: record_send(row(...))")
    proof: list[Base64] = Field(description="inclusion proof in the checkpoint's tree, RFC 9162")


class Bundle(_Document):
    """The document; every member is checked when it is read."""

    format: Literal["relato-audit-bundle"] = "relato-audit-bundle"
    version: Literal[1] = 1
    verifier_key: str
    note: str
    columns: list[str]
    rows: list[BundleRow] = Field(min_length=1)


class Fault(StrEnum):
    MALFORMED = "the document is no audit bundle"
    WRONG_COLUMNS = "the columns are not the ledger's"
    WRONG_KEY = "the bundle is signed by another key than the trusted one"
    WRONG_SIGNATURE = "the checkpoint is not what the log signed"
    WRONG_LOG = "the checkpoint is of another log than the key's"
    ALTERED = "the row is not what the log holds at this position"
    UNREADABLE = "the row's bytes are no row of these columns"
    MISPLACED = "the row's position is not its place in the log"
    OTHER_SUBJECT = "the row belongs to another subject"
    OUT_OF_ORDER = "the subject's rows are not in order without gaps"


NEEDED_COLUMNS = {
    "position": Fault.MISPLACED,
    "subject_id": Fault.OTHER_SUBJECT,
    "subject_seq": Fault.OUT_OF_ORDER,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold, and at which row of the bundle (from 1), if at one."""

    fault: Fault
    row: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What the bundle shows. `rows` holds only those that the signed log proves; with problems they are not all."""

    problems: tuple[Problem, ...] = ()
    rows: tuple[dict[str, Value], ...] = ()
    checkpoint: Checkpoint | None = None
    verifier_key: str | None = None
    is_trusted_key: bool = False

    @property
    def is_consistent(self) -> bool:
        """Nothing contradicts anything; against forgery this says nothing while the key isn't known from elsewhere."""
        return not self.problems

    @property
    def is_proven(self) -> bool:
        return self.is_consistent and self.is_trusted_key


def make_bundle(
    note: str, verifier: Verifier, columns: Sequence[str], records: Iterable[tuple[int, bytes]], node: NodeHash
) -> dict[str, object]:
    """The bundle of the rows given as (index, record bytes), in the subject's order, as the note's tree proves them."""
    size = open_note(note, verifier).size
    rows = [
        BundleRow(index=index, record=record, proof=inclusion_proof(index, size, node)) for index, record in records
    ]
    return Bundle(verifier_key=str(verifier), note=note, columns=list(columns), rows=rows).model_dump(mode="json")


def verify_bundle(
    document: Mapping[str, object], trusted_verifier_key: str | None, *, columns: Sequence[str] | None = None
) -> BundleReport:
    """What the document shows; never raises for what stands in it.

    The trusted key comes from elsewhere than the bundle. So should the columns: their names are not signed, and without
    a list of the auditor's own, a forger can give a value another column's name.
    """
    try:
        bundle = Bundle.model_validate(document)
    except ValidationError as error:
        return _refused(Fault.MALFORMED, "; ".join(f"{_path(e['loc'])}: {e['msg']}" for e in error.errors()[:3]))
    names = bundle.columns
    is_usable = len(set(names)) == len(names) and NEEDED_COLUMNS.keys() <= set(names)
    if not is_usable or (columns is not None and list(columns) != names):
        return _refused(Fault.WRONG_COLUMNS, ", ".join(names))
    if trusted_verifier_key not in (None, bundle.verifier_key):
        return _refused(Fault.WRONG_KEY, bundle.verifier_key)
    return _verify_note(bundle, is_trusted_key=trusted_verifier_key is not None)


def _verify_note(bundle: Bundle, *, is_trusted_key: bool) -> BundleReport:
    try:
        verifier = Verifier.parse(bundle.verifier_key)
        checkpoint = open_note(bundle.note, verifier)
    except NoteError as error:
        return _refused(Fault.WRONG_SIGNATURE, str(error))
    if checkpoint.origin != verifier.name:
        return _refused(Fault.WRONG_LOG, checkpoint.origin)
    problems, rows = _verify_rows(bundle, checkpoint)
    return BundleReport(tuple(problems), tuple(rows), checkpoint, bundle.verifier_key, is_trusted_key)


def _verify_rows(bundle: Bundle, checkpoint: Checkpoint) -> tuple[list[Problem], list[dict[str, Value]]]:
    problems, proven, expected_seq = list[Problem](), list[dict[str, Value]](), 1
    for number, row in enumerate(bundle.rows, start=1):
        try:
            values = _prove(row, bundle.columns, checkpoint)
        except (InclusionError, RecordError) as error:
            fault = Fault.ALTERED if isinstance(error, InclusionError) else Fault.UNREADABLE
            problems.append(Problem(fault, number, str(error)))
            expected_seq += 1
            continue
        proven.append(values)
        wanted = {"position": row.index + 1, "subject_id": proven[0]["subject_id"], "subject_seq": expected_seq}
        problems += [Problem(fault, number, detail) for fault, detail in _misfits(values, wanted)]
        found_seq = values["subject_seq"]
        expected_seq = (found_seq if isinstance(found_seq, int) else expected_seq) + 1
    return problems, proven


def _prove(row: BundleRow, columns: Sequence[str], checkpoint: Checkpoint) -> dict[str, Value]:
    verify_inclusion(sha256(row.record).digest(), row.index, checkpoint.size, row.proof, checkpoint.root)
    return read_record(row.record, columns)


def _misfits(values: Mapping[str, Value], wanted: Mapping[str, Value]) -> Iterator[tuple[Fault, str]]:
    for name, fault in NEEDED_COLUMNS.items():
        if values[name] != wanted[name]:
            yield fault, f"{name} is {', not '.join(map(str, (values[name], wanted[name])))}"


def _refused(fault: Fault, detail: str) -> BundleReport:
    return BundleReport(problems=(Problem(fault, detail=detail),))


def _path(location: Iterable[int | str]) -> str:
    return ".".join(str(step) for step in location)
