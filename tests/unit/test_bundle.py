"""The audit bundle: a true one is proven and readable, a forged one says where."""

import copy
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.checkpoints.bundle import Fault, make_bundle, verify_bundle
from streams.checkpoints.merkle import Frontier, Nodes
from streams.checkpoints.note import Checkpoint, UnknownSignerError, Verifier, base64_bytes, base64_text, sign
from streams.checkpoints.record import RecordError, decode_record, encode_record, read_record

quick = settings(max_examples=40, deadline=None, database=None)

BYTEA, INT8, INT2, TEXT, TIMESTAMPTZ, BOOL, INT4, UUID_OID = 17, 20, 21, 25, 1184, 16, 23, 2950
NAME = "relato.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
VERIFIER = Verifier.of(NAME, KEY)
TRUSTED = str(VERIFIER)

# PostgreSQL 18's answer to: select record_send(row(7::int8, 3::int2, null::uuid,
#   '018f3c1e-7b1a-7c3d-9e2f-0123456789ab'::uuid, '2026-02-03 04:05:06.789012+00'::timestamptz,
#   E'crm.contract.signed.v1 \u2013 é'::text, ''::text, '\x00ff'::bytea, true, -5::int4))
POSTGRES_RECORD = bytes.fromhex(
    "0000000a000000140000000800000000000000070000001500000002000300000b86ffffffff00000b8600000010018f3c1e7b1a7c3d9e2f"
    "0123456789ab000004a0000000080002ece250438a94000000190000001d63726d2e636f6e74726163742e7369676e65642e763120e28093"
    "20c3a90000001900000000000000110000000200ff0000001000000001010000001700000004fffffffb"
)
POSTGRES_COLUMNS = ("position", "part", "cause", "id", "recorded_at", "type", "actor", "data", "flag", "delta")

COLUMNS = ("position", "subject_id", "subject_seq", "recorded_at", "type", "data")
ANA, RUI = UUID(int=1), UUID(int=2)


def record_of(position: int, subject: UUID, seq: int) -> bytes:
    return encode_record(
        [
            (INT8, position.to_bytes(8, "big")),
            (UUID_OID, subject.bytes),
            (INT8, seq.to_bytes(8, "big")),
            (TIMESTAMPTZ, (position * 1_000_000).to_bytes(8, "big")),
            (TEXT, b"crm.note.taken.v1"),
            (BYTEA, None if position == 1 else b'{"note":%d}' % position),
        ]
    )


class SignedLedger:
    """Rows in memory, their tree and its signed head."""

    def __init__(self, records: Sequence[bytes], key: Ed25519PrivateKey = KEY, origin: str = NAME) -> None:
        self.records = records
        self.hashes = [sha256(record).digest() for record in records]
        frontier, completed = Frontier().append_all(self.hashes)
        self.stored = {(node.level, node.index): node.hash for node in completed}
        self.nodes = Nodes(self, self, frontier.size)
        self.verifier = Verifier.of(NAME, key)
        self.note = sign(Checkpoint(origin, frontier.size, frontier.root()), NAME, key)

    def row_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        return self.hashes[start:stop]

    def stored_node(self, level: int, index: int) -> bytes:
        return self.stored[level, index]

    def bundle(self, indexes: Sequence[int]) -> dict[str, Any]:
        records = [(index, self.records[index]) for index in indexes]
        return make_bundle(self.note, self.verifier, COLUMNS, records, self.nodes)


RECORDS = [record_of(n + 1, ANA if n % 3 == 0 else RUI, n // 3 + 1 if n % 3 == 0 else n - n // 3) for n in range(300)]
LEDGER = SignedLedger(RECORDS)
ANAS_ROWS = range(0, 30, 3)
BUNDLE = LEDGER.bundle(ANAS_ROWS)


def faults_of(document: dict[str, Any], trusted: str | None = TRUSTED) -> list[tuple[Fault, int | None]]:
    report = verify_bundle(document, trusted)
    assert not report.is_proven
    return [(problem.fault, problem.row) for problem in report.problems]


def altered(change: Callable[[Any], object]) -> dict[str, Any]:
    document = copy.deepcopy(BUNDLE)
    change(document)
    return document


def flip(text: str, bit: int) -> str:
    content = bytearray(base64_bytes(text))
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    return base64_text(bytes(content))


def test_a_record_that_postgresql_wrote_is_read() -> None:
    assert read_record(POSTGRES_RECORD, POSTGRES_COLUMNS) == {
        "position": 7,
        "part": 3,
        "cause": None,
        "id": UUID("018f3c1e-7b1a-7c3d-9e2f-0123456789ab"),
        "recorded_at": datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC),
        "type": "crm.contract.signed.v1 \u2013 é",
        "actor": "",
        "data": b"\x00\xff",
        "flag": True,
        "delta": -5,
    }
    assert encode_record(decode_record(POSTGRES_RECORD)) == POSTGRES_RECORD


@quick
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.none() | st.binary(max_size=40)), max_size=8))
def test_a_record_survives_its_bytes(values: list[tuple[int, bytes | None]]) -> None:
    assert decode_record(encode_record(values)) == values


def test_a_record_cut_short_or_padded_is_refused() -> None:
    for end in range(len(POSTGRES_RECORD)):
        with pytest.raises(RecordError):
            decode_record(POSTGRES_RECORD[:end])
    for wrong in (
        POSTGRES_RECORD + b"\x00",
        b"\xff" * 4,
        b"\x00\x00\x00\x01" + b"\x00\x00\x00\x14" + b"\xff\xff\xff\xfe",
    ):
        with pytest.raises(RecordError):
            decode_record(wrong)


@pytest.mark.parametrize(
    "value",
    [
        (INT8, b"\x00"),
        (INT2, b"\x00" * 8),
        (INT4, b""),
        (BOOL, b""),
        (UUID_OID, b"\x00"),
        (TEXT, b"\xff"),
        (TIMESTAMPTZ, b"\x7f" + b"\xff" * 7),
        (114, b"{}"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(value: tuple[int, bytes]) -> None:
    with pytest.raises(RecordError):
        read_record(encode_record([value]), ["column"])


def test_a_record_of_other_columns_is_refused() -> None:
    with pytest.raises(RecordError):
        read_record(POSTGRES_RECORD, POSTGRES_COLUMNS[:-1])


def test_a_true_bundle_is_proven_and_readable_after_its_way_through_json() -> None:
    report = verify_bundle(json.loads(json.dumps(BUNDLE)), TRUSTED, columns=COLUMNS)
    assert report.is_proven
    assert report.checkpoint is not None
    assert (report.checkpoint.size, report.verifier_key, len(report.rows)) == (300, TRUSTED, 10)
    assert report.rows[1] == {
        "position": 4,
        "subject_id": ANA,
        "subject_seq": 2,
        "recorded_at": datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=4),
        "type": "crm.note.taken.v1",
        "data": b'{"note":4}',
    }


def test_without_a_trusted_key_a_bundle_is_consistent_and_not_proven() -> None:
    report = verify_bundle(BUNDLE, None)
    assert report.is_consistent
    assert not report.is_proven


@quick
@given(st.integers(0, 9), st.integers(0, 100_000))
def test_a_row_with_one_bit_changed_is_found(row: int, bit: int) -> None:
    document = altered(lambda d: d["rows"][row].update(record=flip(d["rows"][row]["record"], bit)))
    report = verify_bundle(document, TRUSTED)
    assert [(problem.fault, problem.row) for problem in report.problems] == [(Fault.ALTERED, row + 1)]
    assert len(report.rows) == 9


@quick
@given(st.integers(0, 9), st.integers(0, 8), st.integers(0, 255))
def test_a_proof_with_one_bit_changed_is_found(row: int, sibling: int, bit: int) -> None:
    def change(document: Any) -> None:
        proof = document["rows"][row]["proof"]
        proof[sibling] = flip(proof[sibling], bit)

    assert faults_of(altered(change)) == [(Fault.ALTERED, row + 1)]


@quick
@given(st.integers(0, 9), st.integers(0, 2**63 - 1))
def test_a_row_at_another_index_is_found(row: int, index: int) -> None:
    if index != ANAS_ROWS[row]:
        assert (Fault.ALTERED, row + 1) in faults_of(altered(lambda d: d["rows"][row].update(index=index)))


def test_two_rows_that_change_places_are_found() -> None:
    def swap_contents(document: Any) -> None:
        second, third = document["rows"][1:3]
        second["record"], third["record"] = third["record"], second["record"]

    def swap_rows(document: Any) -> None:
        document["rows"][1:3] = document["rows"][2:0:-1]

    assert faults_of(altered(swap_contents)) == [(Fault.ALTERED, 2), (Fault.ALTERED, 3)]
    assert faults_of(altered(swap_rows)) == [(Fault.OUT_OF_ORDER, 2), (Fault.OUT_OF_ORDER, 3), (Fault.OUT_OF_ORDER, 4)]


@pytest.mark.parametrize("missing", range(9))
def test_a_row_left_out_is_found_where_it_is_missing(missing: int) -> None:
    assert faults_of(altered(lambda d: d["rows"].pop(missing))) == [(Fault.OUT_OF_ORDER, missing + 1)]


def test_a_row_given_twice_is_found() -> None:
    document = altered(lambda d: d["rows"].insert(4, d["rows"][3]))
    assert faults_of(document) == [(Fault.OUT_OF_ORDER, 5)]


def test_another_subjects_row_is_found() -> None:
    assert faults_of(LEDGER.bundle([0, 3, 4])) == [(Fault.OTHER_SUBJECT, 3)]


def test_a_row_whose_position_is_not_its_place_in_the_log_is_found() -> None:
    moved = SignedLedger([record_of(1, ANA, 1), record_of(7, ANA, 2)])
    assert faults_of(moved.bundle([0, 1])) == [(Fault.MISPLACED, 2)]


def test_a_logged_row_that_is_no_record_is_found() -> None:
    strange = SignedLedger([record_of(1, ANA, 1), b"no record", record_of(3, ANA, 3)])
    assert faults_of(strange.bundle([0, 1, 2])) == [(Fault.UNREADABLE, 2)]


def test_a_history_rewritten_and_signed_with_another_key_is_found() -> None:
    forged = SignedLedger([*RECORDS[:3], record_of(4, ANA, 2), *RECORDS[4:]], OTHER_KEY).bundle(ANAS_ROWS)
    assert faults_of(forged) == [(Fault.WRONG_KEY, None)]
    assert faults_of({**forged, "verifier_key": TRUSTED}) == [(Fault.WRONG_SIGNATURE, None)]
    assert verify_bundle(forged, None).is_consistent


def test_a_checkpoint_of_another_log_of_the_same_key_is_found() -> None:
    other_log = SignedLedger(RECORDS, origin="relato.example/subjects").bundle(ANAS_ROWS)
    assert faults_of(other_log) == [(Fault.WRONG_LOG, None)]


def test_an_altered_checkpoint_is_found() -> None:
    document = altered(lambda d: d.update(note=d["note"].replace("\n300\n", "\n301\n")))
    assert faults_of(document) == [(Fault.WRONG_SIGNATURE, None)]


def test_renamed_columns_are_found_against_the_auditors_own_list() -> None:
    renamed = [name.replace("recorded_at", "occurred_at") for name in COLUMNS]
    report = verify_bundle({**BUNDLE, "columns": renamed}, TRUSTED, columns=COLUMNS)
    assert [problem.fault for problem in report.problems] == [Fault.WRONG_COLUMNS]


@pytest.mark.parametrize("columns", [[], list(COLUMNS[1:]), [*COLUMNS[:-1], "position"]])
def test_columns_without_what_the_checks_need_are_refused(columns: list[str]) -> None:
    assert faults_of({**BUNDLE, "columns": columns}) == [(Fault.WRONG_COLUMNS, None)]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**BUNDLE, "format": "another"},
        {**BUNDLE, "version": 2},
        {**BUNDLE, "rows": []},
        {**BUNDLE, "rows": None},
        {**BUNDLE, "surplus": 1},
        {**BUNDLE, "rows": [{**BUNDLE["rows"][0], "index": -1}]},
        {**BUNDLE, "rows": [{**BUNDLE["rows"][0], "index": "0"}]},
        {**BUNDLE, "rows": [{**BUNDLE["rows"][0], "index": 10**5000}]},
        {**BUNDLE, "rows": [{**BUNDLE["rows"][0], "record": "no base64!"}]},
        {**BUNDLE, "rows": [{**BUNDLE["rows"][0], "proof": [7]}]},
    ],
)
def test_a_document_that_is_no_bundle_is_refused(document: dict[str, Any]) -> None:
    assert faults_of(document) == [(Fault.MALFORMED, None)]


def test_what_is_no_key_or_no_note_is_refused() -> None:
    assert faults_of({**BUNDLE, "verifier_key": "no key"}, None) == [(Fault.WRONG_SIGNATURE, None)]
    assert faults_of({**BUNDLE, "note": "no note"}) == [(Fault.WRONG_SIGNATURE, None)]


def test_a_bundle_is_not_made_from_a_note_of_another_key() -> None:
    with pytest.raises(UnknownSignerError):
        make_bundle(LEDGER.note, Verifier.of(NAME, OTHER_KEY), COLUMNS, [(0, RECORDS[0])], LEDGER.nodes)
