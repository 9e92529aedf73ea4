"""The tree over each subject's newest row, whose root the checkpoint carries: nothing can be left off a history's end.

A subject's key is the SHA-256 of its id, and the key's first two bytes name one of 65,536 buckets. A bucket holds its
subjects' entries by key: the key, and the SHA-256 of id, subject_seq and row hash of the newest row. The buckets'
hashes are the leaves of a tree as in merkle.py. So there is one newest row of a subject under a root, and the proof of
it shows no other subject's id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from domain.errors import RelatoError
from streams.checkpoints.merkle import HASH_BYTES, ProofError, inclusion_proof, leaf_hash, node_hash, verify_inclusion
from streams.checkpoints.note import Checkpoint, MalformedCheckpointError, base64_bytes, base64_text

LEVELS = 16
BUCKETS = 1 << LEVELS
ENTRY_BYTES = 2 * HASH_BYTES
EXTENSION = "subjects "
"""Begins the checkpoint's line that has the root."""

EMPTY = [leaf_hash(sha256(b"").digest())]
"""The hash of a subtree without subjects, by level."""
for _ in range(LEVELS):
    EMPTY.append(node_hash(EMPTY[-1], EMPTY[-1]))


class DamagedTreeError(RelatoError):
    """The tree over the subjects' newest rows is damaged; its owner empties ledger.subject_bucket and
    ledger.subject_tree, and it is made again.
    """


class EndError(ProofError):
    """The bucket is not the one under the checkpoint's root, or another row is the subject's newest."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a step changes: the entries of buckets, and with them the root. It covered `before` rows."""

    before: int
    size: int
    entries: Mapping[int, bytes]
    root: bytes


class SubjectStore(Protocol):
    """Where the buckets are kept. Every call may raise UnavailableError."""

    def load(self) -> tuple[int, bytes, Sequence[tuple[int, bytes]]]:
        """How many rows are covered, the root, and the hash of each bucket that is not empty; as of one moment."""

    def entries(self, buckets: Collection[int]) -> Mapping[int, bytes]:
        """Of those that are not empty; DamagedTreeError when one does not fit its hash."""

    def newest(self, start: int, stop: int) -> Iterable[tuple[bytes, bytes]]:
        """The entry (key and value) of each subject that has rows at indexes [start, stop), for the newest of these."""

    def save(self, growth: Growth) -> None:
        """SupersededError when another number of rows is covered than the growth begins with."""

    def signed(self, buckets: Collection[int]) -> tuple[str, Sequence[tuple[int, bytes]], Mapping[int, bytes]]:
        """The newest note, the hash of each bucket that is not empty, the entries of these; as of one moment."""

    def recomputed(self, size: int) -> Sequence[tuple[int, bytes]]:
        """The hash of each bucket, made from the first `size` rows alone."""


class BucketTree:
    """Over the buckets' hashes, in memory; calling it answers a node, as proofs need it."""

    def __init__(self, hashes: Iterable[tuple[int, bytes]] = ()) -> None:
        self._levels: list[dict[int, bytes]] = [{} for _ in range(LEVELS + 1)]
        self.put(hashes)

    def __call__(self, level: int, index: int) -> bytes:
        return self._levels[level].get(index, EMPTY[level])

    @property
    def root(self) -> bytes:
        return self(LEVELS, 0)

    def put(self, hashes: Iterable[tuple[int, bytes]]) -> None:
        touched = {bucket: leaf_hash(content) for bucket, content in hashes}
        self._levels[0].update(touched)
        for level, nodes in enumerate(self._levels[:-1]):
            find, empty = nodes.get, EMPTY[level]
            parents = {index >> 1 for index in touched}
            touched = {n: node_hash(find(2 * n, empty), find(2 * n + 1, empty)) for n in parents}
            self._levels[level + 1].update(touched)


class SubjectTree:
    """As the store has it. A growth that is not saved makes it useless: make another."""

    def __init__(self, store: SubjectStore) -> None:
        self._store = store
        self.size, root, hashes = store.load()
        self._tree = BucketTree(hashes)
        if self.size and self._tree.root != root:
            raise DamagedTreeError

    def grow(self, stop: int) -> Growth:
        """Covers the rows up to there."""
        changes: dict[int, dict[bytes, bytes]] = {}
        for key, value in self._store.newest(self.size, stop):
            changes.setdefault(bucket_of(key), {})[key] = value
        before, found = self.size, self._store.entries(changes)
        entries = {bucket: _merge(found.get(bucket, b""), changed) for bucket, changed in changes.items()}
        self._tree.put((bucket, sha256(content).digest()) for bucket, content in entries.items())
        self.size = stop
        return Growth(before, stop, entries, self._tree.root)


def key_of(subject_id: UUID) -> bytes:
    return sha256(subject_id.bytes).digest()


def bucket_of(key: bytes) -> int:
    return int.from_bytes(key[:2], "big")


def value_of(subject_id: UUID, subject_seq: int, row_hash: bytes) -> bytes:
    return sha256(subject_id.bytes + subject_seq.to_bytes(8, "big") + row_hash).digest()


def _split(entries: bytes) -> dict[bytes, bytes]:
    starts = range(0, len(entries), ENTRY_BYTES)
    return {entries[at : at + HASH_BYTES]: entries[at + HASH_BYTES : at + ENTRY_BYTES] for at in starts}


def _join(entries: Mapping[bytes, bytes]) -> bytes:
    return b"".join([key + entries[key] for key in sorted(entries)])


def _merge(entries: bytes, changed: dict[bytes, bytes]) -> bytes:
    return _join(_split(entries) | changed)


def extension_of(root: bytes) -> str:
    return EXTENSION + base64_text(root)


def root_in(checkpoint: Checkpoint) -> bytes | None:
    """None in a checkpoint of a log that has no subjects, or of a time before this tree."""
    for line in checkpoint.extensions:
        if line.startswith(EXTENSION):
            try:
                return base64_bytes(line.removeprefix(EXTENSION), HASH_BYTES)
            except ValueError as error:
                raise MalformedCheckpointError(extension=line) from error
    return None


def end_proof(subject_id: UUID, tree: BucketTree) -> list[bytes]:
    """That the subject's bucket is under the tree's root."""
    return inclusion_proof(bucket_of(key_of(subject_id)), BUCKETS, tree)


def verify_end(subject_id: UUID, value: bytes, entries: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Returns when the row with this value is the subject's newest one under the root, else raises a ProofError."""
    key, found = key_of(subject_id), _split(entries)
    verify_inclusion(sha256(entries).digest(), bucket_of(key), BUCKETS, proof, root)
    if _join(found) != entries or found.get(key) != value:
        raise EndError
