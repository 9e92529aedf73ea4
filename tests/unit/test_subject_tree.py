"""The tree over each subject's newest row: grown in steps it is what it is made at once, and a cut history shows."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.checkpoints.bundle import Fault, make_bundle, read_ends, verify_bundle
from streams.checkpoints.merkle import Frontier, Nodes, ProofError
from streams.checkpoints.note import Checkpoint, MalformedCheckpointError, Verifier, base64_bytes, base64_text, sign
from streams.checkpoints.subjects import (
    EMPTY,
    LEVELS,
    BucketTree,
    DamagedTreeError,
    Growth,
    SubjectTree,
    bucket_of,
    end_proof,
    extension_of,
    key_of,
    root_in,
    value_of,
    verify_end,
)
from tests.unit.test_bundle import COLUMNS, record_of

NAME = "relato.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = Verifier.of(NAME, KEY)
quick = settings(max_examples=30, deadline=None, database=None)


class Log:
    """Rows in memory with their trees, and the newest signed head."""

    def __init__(self, subjects: Sequence[UUID]) -> None:
        counts: dict[UUID, int] = {}
        self.rows: list[tuple[UUID, int, bytes]] = []
        for position, subject in enumerate(subjects, start=1):
            counts[subject] = counts.get(subject, 0) + 1
            self.rows.append((subject, counts[subject], record_of(position, subject, counts[subject])))
        self.size, self.root, self.note = 0, b"", ""
        self.kept: dict[int, bytes] = {}

    def load(self) -> tuple[int, bytes, Sequence[tuple[int, bytes]]]:
        return self.size, self.root, [(bucket, sha256(kept).digest()) for bucket, kept in self.kept.items()]

    def entries(self, buckets: Collection[int]) -> Mapping[int, bytes]:
        return {bucket: self.kept[bucket] for bucket in buckets if bucket in self.kept}

    def newest(self, start: int, stop: int) -> Sequence[tuple[bytes, bytes]]:
        last = {subject: (seq, record) for subject, seq, record in self.rows[start:stop]}
        return [
            (key_of(subject), value_of(subject, seq, sha256(record).digest()))
            for subject, (seq, record) in last.items()
        ]

    def save(self, growth: Growth) -> None:
        assert self.size == growth.before
        self.size, self.root = growth.size, growth.root
        self.kept |= growth.entries
        frontier, completed = Frontier().append_all(self.row_hashes(0, self.size))
        self.stored = {(node.level, node.index): node.hash for node in completed}
        checkpoint = Checkpoint(NAME, self.size, frontier.root(), (extension_of(growth.root),))
        self.note = sign(checkpoint, NAME, KEY)

    def signed(self, buckets: Collection[int]) -> tuple[str, Sequence[tuple[int, bytes]], Mapping[int, bytes]]:
        return self.note, self.load()[2], self.entries(buckets)

    def recomputed(self, size: int) -> Sequence[tuple[int, bytes]]:
        at_once = Log([subject for subject, *_ in self.rows[:size]])
        at_once.save(SubjectTree(at_once).grow(size))
        return at_once.load()[2]

    def row_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        return [sha256(record).digest() for _, _, record in self.rows[start:stop]]

    def stored_node(self, level: int, index: int) -> bytes:
        return self.stored[level, index]

    def cover(self, *sizes: int) -> None:
        tree = SubjectTree(self)
        for size in sizes:
            self.save(tree.grow(size))

    def bundle(self, subject: UUID, *, rows: int | None = None, end: UUID | None = None) -> dict[str, Any]:
        """Without the last ones when only so many `rows` are wanted; with the proof for another when `end` says so."""
        own = [(n, record) for n, (whose, _, record) in enumerate(self.rows[: self.size]) if whose == subject][:rows]
        note, ends = read_ends(self, [end or subject])
        return make_bundle(note, VERIFIER, COLUMNS, own, Nodes(self, self, self.size), end=ends[end or subject])


PEOPLE = [UUID(int=n) for n in range(40)]
HISTORY = random.Random(7).choices(PEOPLE, k=400)


@quick
@given(st.lists(st.sampled_from(PEOPLE[:12]), min_size=1, max_size=60), st.sets(st.integers(1, 59)))
def test_grown_in_steps_it_is_what_it_is_made_at_once(subjects: list[UUID], stops: set[int]) -> None:
    log = Log(subjects)
    log.cover(*sorted(stop for stop in stops if stop < len(subjects)), len(subjects))
    assert log.root == BucketTree(log.recomputed(len(subjects))).root
    for subject in set(subjects):
        assert verify_bundle(log.bundle(subject), str(VERIFIER), columns=COLUMNS).is_whole


def test_subjects_that_share_a_bucket_are_told_apart() -> None:
    first = UUID(int=1)
    beside = next(UUID(int=n) for n in range(2, 1 << 20) if bucket_of(key_of(UUID(int=n))) == bucket_of(key_of(first)))
    log = Log([first, beside, first])
    log.cover(1, 2, 3)
    assert len(log.kept) == 1
    assert all(verify_bundle(log.bundle(one), str(VERIFIER), columns=COLUMNS).is_whole for one in (first, beside))
    assert BucketTree(log.recomputed(3)).root == log.root != EMPTY[LEVELS]


@pytest.mark.parametrize("rows", [1, 5, -1])
def test_rows_left_off_the_end_are_found(rows: int) -> None:
    log = Log(HISTORY)
    log.cover(100, 400)
    report = verify_bundle(log.bundle(HISTORY[0], rows=rows), str(VERIFIER), columns=COLUMNS)
    assert [problem.fault for problem in report.problems] == [Fault.CUT]
    assert not report.is_whole


def test_what_was_recorded_after_the_checkpoint_is_not_missing() -> None:
    log = Log(HISTORY)
    log.cover(200)
    assert verify_bundle(log.bundle(HISTORY[0]), str(VERIFIER), columns=COLUMNS).is_whole


def test_without_the_proof_or_with_anothers_the_end_is_not_shown() -> None:
    log = Log(HISTORY)
    log.cover(400)
    whole = log.bundle(PEOPLE[0])
    other = log.bundle(PEOPLE[0], end=PEOPLE[1])
    for document in ({name: found for name, found in whole.items() if name != "end"}, other):
        report = verify_bundle(document, str(VERIFIER), columns=COLUMNS)
        assert [problem.fault for problem in report.problems] == [Fault.CUT]


@quick
@given(st.integers(0, 10_000), st.integers(0, 15), st.booleans())
def test_a_proof_with_one_bit_changed_is_found(bit: int, sibling: int, in_bucket: bool) -> None:
    log = Log(HISTORY[:50])
    log.cover(50)
    document = log.bundle(HISTORY[0])
    if in_bucket:
        document["end"]["bucket"] = flip(document["end"]["bucket"], bit)
    else:
        document["end"]["proof"][sibling] = flip(document["end"]["proof"][sibling], bit)
    report = verify_bundle(document, str(VERIFIER), columns=COLUMNS)
    assert [problem.fault for problem in report.problems] == [Fault.CUT]


def flip(text: str, bit: int) -> str:
    content = bytearray(base64_bytes(text))
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    return base64_text(bytes(content))


def test_a_bucket_that_names_a_subject_twice_proves_nothing() -> None:
    """Whoever signs could else show each of two newest rows."""
    subject, hashes = PEOPLE[0], [bytes([n]) * 32 for n in range(2)]
    entries = b"".join(key_of(subject) + value_of(subject, n + 1, content) for n, content in enumerate(hashes))
    tree = BucketTree([(bucket_of(key_of(subject)), sha256(entries).digest())])
    for n, content in enumerate(hashes):
        with pytest.raises(ProofError):
            verify_end(subject, value_of(subject, n + 1, content), entries, end_proof(subject, tree), tree.root)


def test_a_stored_tree_that_is_not_the_one_that_was_saved_is_not_gone_on_with() -> None:
    log = Log(HISTORY)
    log.cover(100)
    log.kept.popitem()
    with pytest.raises(DamagedTreeError):
        SubjectTree(log)


def test_a_checkpoint_says_whether_it_has_a_root() -> None:
    root = sha256(b"a root").digest()
    assert root_in(Checkpoint(NAME, 1, root)) is None
    assert root_in(Checkpoint(NAME, 1, root, ("other", extension_of(root)))) == root
    with pytest.raises(MalformedCheckpointError):
        root_in(Checkpoint(NAME, 1, root, ("subjects no base64",)))
