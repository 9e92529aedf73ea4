"""The checkpointer: an actor that covers the ledger's rows with a Merkle tree and signs its head every second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.errors import RelatoError, UnavailableError
from streams.checkpoints.merkle import Frontier, RowHashes, StoredNode, StoredNodes
from streams.checkpoints.note import Checkpoint, Verifier, sign

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

    def newest(self) -> Head: ...

    def notes(self) -> Sequence[str]:
        """All signed notes, oldest first."""

    def add(self, checkpoint: Checkpoint, head: Head, nodes: Sequence[StoredNode]) -> None:
        """In one transaction; SupersededError when a checkpoint of this size or larger is there already."""


class Checkpointer:
    """Signs as `name`; what it has done is in the store, so any number may run and one wins."""

    def __init__(self, store: CheckpointStore, name: str, key: Ed25519PrivateKey) -> None:
        self._store, self._name, self._key = store, name, key
        self._head: Head | None = None

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
        frontier, nodes = head.frontier.append_all(hashes)
        checkpoint = Checkpoint(self._name, frontier.size, frontier.root())
        self._head, signed = None, Head(frontier, sign(checkpoint, self._name, self._key))
        self._store.add(checkpoint, signed, nodes)
        self._head = signed
        return signed

    def cover_all(self) -> Head:
        """Steps until every row is covered."""
        size, head = -1, self.step()
        while head.frontier.size != size:
            size, head = head.frontier.size, self.step()
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
                self._head = None
                stop.wait(RETRY_S)
                continue
            if on_signed and head.note and head.note != told:
                on_signed(told := head.note)
            stop.wait(INTERVAL_S)
