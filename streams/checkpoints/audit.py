"""The audit of a whole ledger: every numbering, every row's hash, every signed head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.checkpoints.checkpointer import CheckpointStore
from streams.checkpoints.merkle import Frontier
from streams.checkpoints.note import Checkpoint, NoteError, Verifier, open_note
from streams.checkpoints.subjects import BucketTree, SubjectStore, root_in

BATCH = 50_000


class RowAudit(Protocol):
    """What the database can check of its own rows."""

    def faults(self) -> Mapping[str, int]:
        """How many rows break each rule: gaps in the numberings, times that run backwards, hashes that do not fit."""


@dataclass(frozen=True)
class AuditReport:
    """What was found; no problems means that the ledger is what was signed."""

    rows: int
    covered: int
    checkpoints: int
    problems: Sequence[str]

    @property
    def is_sound(self) -> bool:
        return not self.problems


def audit_ledger(
    rows: RowAudit, store: CheckpointStore, verifier: Verifier, on_progress: Callable[[int], None] | None = None
) -> AuditReport:
    """Recomputes the tree from the rows' hashes and compares its root at the size of every signed head."""
    problems = [f"{count} rows: {fault}" for fault, count in rows.faults().items() if count]
    heads: list[Checkpoint] = []
    for note in store.notes():
        try:
            heads.append(open_note(note, verifier))
        except NoteError as error:
            problems.append(str(error))
    tree, told = Frontier(), on_progress or (lambda _: None)
    for head in sorted(heads, key=lambda checkpoint: checkpoint.size):
        tree = _grow(tree, head.size, store, told)
        if tree.size != head.size:
            problems.append(f"the ledger has {tree.size} rows, but {head.size} were signed")
        elif tree.root() != head.root:
            problems.append(f"the rows up to {head.size} are not those that were signed")
    if heads and not problems:
        problems += _subject_problems(max(heads, key=lambda checkpoint: checkpoint.size), store.subjects)
    total = _grow(tree, None, store, told).size
    return AuditReport(total, heads[-1].size if heads else 0, len(heads), problems)


def _subject_problems(head: Checkpoint, subjects: SubjectStore | None) -> Iterator[str]:
    """Of the newest head: its tree over the subjects' newest rows is made again from the rows."""
    root = root_in(head)
    if subjects and root and root != BucketTree(subjects.recomputed(head.size)).root:
        yield f"the subjects' newest rows, up to {head.size}, are not those that were signed"


def _grow(tree: Frontier, size: int | None, store: CheckpointStore, on_progress: Callable[[int], None]) -> Frontier:
    while size is None or tree.size < size:
        stop = tree.size + BATCH if size is None else min(size, tree.size + BATCH)
        if not (hashes := store.row_hashes(tree.size, stop)):
            break
        tree, _ = tree.append_all(hashes)
        on_progress(tree.size)
    return tree
