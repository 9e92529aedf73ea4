"""How far an import has come, kept so that a run that was cut short goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Position(NamedTuple):
    """The last row whose commands are all settled; `finished` when the whole file is."""

    row_number: int = 0
    finished: bool = False


class ImportProgress(Protocol):
    """Kept by (source, digest): another file, or another mapping of it, is another import."""

    def find(self, source: str, digest: bytes) -> Position: ...

    def save(self, source: str, digest: bytes, position: Position) -> None: ...


class MemoryImportProgress:
    def __init__(self) -> None:
        self._positions: dict[tuple[str, bytes], Position] = {}

    def find(self, source: str, digest: bytes) -> Position:
        return self._positions.get((source, digest), Position())

    def save(self, source: str, digest: bytes, position: Position) -> None:
        self._positions[source, digest] = position


@dataclass(frozen=True)
class Unsaved:
    """Reads what is known and keeps nothing: for a run that must leave no trace."""

    known: ImportProgress

    def find(self, source: str, digest: bytes) -> Position:
        return self.known.find(source, digest)

    def save(self, source: str, digest: bytes, position: Position) -> None: ...
