"""The checkpointer: an actor that covers the ledger's rows with Merkle trees and signs their head every second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.errors import RelatoError, UnavailableError
from streams.checkpoints.merkle import Frontier, RowHashes, StoredNode, StoredNodes
from streams.checkpoints.note import Checkpoint, Verifier, sign
from streams.checkpoints.subjects import DamagedTreeError, Growth, SubjectStore, SubjectTree, extension_of

LARGEST_STEP = 50_000  # rows
INTERVAL_S = 1.0
RETRY_S = 2.0


class SupersededError(RelatoError):
    """Another checkpointer was faster; go on from its checkpoint."""


@dataclass(frozen=True)
class Head:
    """The newest checkpoint with what the next one needs."""

    frontier: Frontier = field(default_factory=Frontier)
    note: str | None = None


class CheckpointStore(RowHashes, StoredNodes, Protocol):
    """Where checkpoints are kept, beside the ledger. Every call may raise UnavailableError."""

    @property
    def subjects(self) -> SubjectStore | None:
        """Of a log whose rows have subjects."""

    def newest(self) -> Head: ...

    def notes(self) -> Sequence[str]:
        """All signed notes, oldest first."""

    def add(self, checkpoint: Checkpoint, head: Head, nodes: Sequence[StoredNode], growth: Growth | None) -> None:
        """In one transaction; SupersededError when a checkpoint of this size or larger is there already."""


class Checkpointer:
    """Signs as `name`; what it has done is in the store, so any number may run and one wins."""

    def __init__(self, store: CheckpointStore, name: str, key: Ed25519PrivateKey) -> None:
        self._store, self._name, self._key = store, name, key
        self._head: Head | None = None
        self._tree: SubjectTree | None = None

    @property
    def verifier(self) -> Verifier:
        return Verifier.of(self._name, self._key)

    def step(self) -> Head:
        """Covers what was recorded since the newest checkpoint; answers the head, new or not."""
        head = self._head or self._store.newest()
        size = head.frontier.size
        hashes = self._store.row_hashes(size, size + LARGEST_STEP)
        if not hashes:
            self._head = head
            return head
        self._head = None  # what fails from here on begins anew
        frontier, nodes = head.frontier.append_all(hashes)
        tree = self._tree_at(size)
        growth = tree.grow(frontier.size) if tree else None
        extensions = (extension_of(growth.root),) if growth else ()
        checkpoint = Checkpoint(self._name, frontier.size, frontier.root(), extensions)
        signed = Head(frontier, sign(checkpoint, self._name, self._key))
        self._store.add(checkpoint, signed, nodes, growth)
        self._head, self._tree = signed, tree
        return signed

    def _tree_at(self, size: int) -> SubjectTree | None:
        """Of rows that were covered before there was this tree, it learns first."""
        if (store := self._store.subjects) is None:
            return None
        tree, self._tree = self._tree or SubjectTree(store), None
        while tree.size < size:
            store.save(tree.grow(min(size, tree.size + LARGEST_STEP)))
        if tree.size > self._store.newest().frontier.size:  # they are written together
            raise DamagedTreeError(covers=tree.size)
        if tree.size > size:
            raise SupersededError(size=tree.size)
        return tree

    def cover_all(self) -> Head:
        """Steps until every row is covered, by whomever."""
        head: Head | None = None
        while True:
            with suppress(SupersededError):
                before, head = head, self.step()
                if before and before.frontier.size == head.frontier.size:
                    return head

    def run(self, stop: Flag, on_signed: Callable[[str], None] | None = None) -> None:
        """Until `stop`; an unreachable store is tried again, another checkpointer's work is taken over."""
        told: str | None = None
        while not stop.is_set():
            try:
                head = self.step()
            except SupersededError:
                continue
            except UnavailableError:
                self._head = self._tree = None
                stop.wait(RETRY_S)
                continue
            if on_signed and head.note and head.note != told:
                on_signed(told := head.note)
            stop.wait(INTERVAL_S)
