"""One customer's history as a document that an auditor verifies offline, with nothing but the log's public key.

What it shows: each row is in the ledger the checkpoint signed, at its position, as it was hashed, none between the
subject's first and last one is left out, and the last one is the newest that there was when the checkpoint was signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from streams.checkpoints.merkle import InclusionError, NodeHash, ProofError, inclusion_proof, verify_inclusion
from streams.checkpoints.note import Checkpoint, NoteError, Verifier, base64_bytes, base64_text, open_note
from streams.checkpoints.record import RecordError, Value, read_record
from streams.checkpoints.subjects import (
    BucketTree,
    SubjectStore,
    bucket_of,
    end_proof,
    key_of,
    root_in,
    value_of,
    verify_end,
)


def _from_base64(value: object) -> object:
    return base64_bytes(value) if isinstance(value, str) else value


Base64 = Annotated[bytes, BeforeValidator(_from_base64), PlainSerializer(base64_text, return_type=str)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class BundleRow(_Document):
    index: int = Field(ge=0, lt=1 << 63, description="position - 1")
    record: Base64 = Field(description="the row exactly as hashed: record_send(row(...))")
    proof: list[Base64] = Field(description="inclusion proof in the checkpoint's tree, RFC 9162")


class BundleEnd(_Document):
    """That the last row is the subject's newest, in the checkpoint's tree over all subjects' newest rows."""

    bucket: Base64 = Field(description="the entries of the subject's bucket")
    proof: list[Base64] = Field(description="inclusion proof of the bucket, RFC 9162")


class Bundle(_Document):
    """The document; every member is checked when it is read."""

    format: Literal["relato-audit-bundle"] = "relato-audit-bundle"
    version: Literal[1] = 1
    verifier_key: str
    note: str
    columns: list[str]
    rows: list[BundleRow] = Field(min_length=1)
    end: BundleEnd | None = None


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
    CUT = "rows were left off the end of the subject's history"


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
    is_whole: bool = False
    """Nothing was left off the end, up to the checkpoint; False when it has no tree of the subjects' newest rows."""

    @property
    def is_consistent(self) -> bool:
        """Nothing contradicts anything; against forgery this says nothing while the key isn't known from elsewhere."""
        return not self.problems

    @property
    def is_proven(self) -> bool:
        return self.is_consistent and self.is_trusted_key


def make_bundle(
    note: str,
    verifier: Verifier,
    columns: Sequence[str],
    records: Iterable[tuple[int, bytes]],
    node: NodeHash,
    *,
    end: BundleEnd | None = None,
) -> dict[str, object]:
    """The bundle of the rows given as (index, record bytes), in the subject's order, as the note's trees prove them."""
    size = open_note(note, verifier).size
    rows = [
        BundleRow(index=index, record=record, proof=inclusion_proof(index, size, node)) for index, record in records
    ]
    bundle = Bundle(verifier_key=str(verifier), note=note, columns=list(columns), rows=rows, end=end)
    return bundle.model_dump(mode="json", exclude_none=True)


def read_ends(store: SubjectStore, subject_ids: Iterable[UUID]) -> tuple[str, Mapping[UUID, BundleEnd]]:
    """The newest note, and of each subject the proof that the newest row it covers is the newest."""
    buckets = {subject_id: bucket_of(key_of(subject_id)) for subject_id in subject_ids}
    note, hashes, entries = store.signed(set(buckets.values()))
    tree = BucketTree(hashes)
    ends = {
        subject_id: BundleEnd(bucket=entries.get(bucket, b""), proof=end_proof(subject_id, tree))
        for subject_id, bucket in buckets.items()
    }
    return note, ends


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
        newest_root = root_in(checkpoint)
    except NoteError as error:
        return _refused(Fault.WRONG_SIGNATURE, str(error))
    if checkpoint.origin != verifier.name:
        return _refused(Fault.WRONG_LOG, checkpoint.origin)
    problems, rows = _verify_rows(bundle, checkpoint)
    if newest_root and rows and not problems:
        problems += _verify_end(bundle, rows[-1], newest_root)
    is_whole = newest_root is not None and not problems
    return BundleReport(tuple(problems), tuple(rows), checkpoint, bundle.verifier_key, is_trusted_key, is_whole)


def _verify_end(bundle: Bundle, last: Mapping[str, Value], root: bytes) -> Iterator[Problem]:
    subject_id, seq = last["subject_id"], len(bundle.rows)
    if bundle.end is None:
        yield Problem(Fault.CUT, detail="the bundle does not prove that its last row is the newest")
    elif not isinstance(subject_id, UUID):
        yield Problem(Fault.WRONG_COLUMNS, seq, "subject_id is no id")
    else:
        try:
            value = value_of(subject_id, seq, sha256(bundle.rows[-1].record).digest())
            verify_end(subject_id, value, bundle.end.bucket, bundle.end.proof, root)
        except ProofError as error:
            yield Problem(Fault.CUT, seq, str(error))


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
