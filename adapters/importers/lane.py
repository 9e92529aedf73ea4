"""Chunks are decided one after the other, each while the ledger writes the one before it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Self

from adapters.importers.items import Item
from adapters.importers.progress import Position
from adapters.importers.rejects import RejectsFile
from adapters.importers.report import FileReport
from adapters.importers.settle import Chunk, Settled, Settler
from domain.errors import RelatoError

# what an import makes lives for a few chunks; looking for cycles in it cost a fifth of the time
AT_EASE = (2_000_000, 20, 100)
# the ledger's writer must not wait for the interpreter: PostgreSQL would stand idle meanwhile
SHORT_TURN_S = 0.001


class Underway(NamedTuple):
    """A chunk that the ledger writes; `seq` is its last row."""

    chunk: Chunk
    seq: int
    settle: Callable[[], Settled]


class Lane:
    """One chunk after the other through each stage; an error shows at the next step."""

    def __init__(
        self, settler: Settler, rejects: RejectsFile, report: FileReport, *, save: Callable[[Position], None]
    ) -> None:
        self._settler, self._rejects, self._report, self._save = settler, rejects, report, save
        self._underway: Underway | None = None
        self._collecting, self._turn_s = gc.get_threshold(), sys.getswitchinterval()

    def __enter__(self) -> Self:
        gc.set_threshold(*AT_EASE)
        sys.setswitchinterval(SHORT_TURN_S)
        return self

    def submit(self, items: Sequence[Item], seq: int) -> None:
        before = self._underway
        chunk = self._settler.decide(items, before and before.chunk)
        self._underway = None
        settled = before and before.settle()
        self._underway = Underway(chunk, seq, self._settler.append(chunk))
        if before and settled:
            self._enter(settled, before.seq)

    def finish(self, seq: int) -> None:
        self._await()
        self._save(Position(seq, finished=True))
        self._report.rows, self._report.finished = seq, True

    def _await(self) -> None:
        before, self._underway = self._underway, None
        if before:
            self._enter(before.settle(), before.seq)

    def _enter(self, settled: Settled, seq: int) -> None:
        settled.enter(self._report, self._rejects)
        self._save(Position(seq))
        self._report.rows = seq

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        try:
            if error is None:
                self._await()
            elif self._underway:  # it is written, and is recognised and told when the file comes again
                with suppress(RelatoError):
                    self._underway.settle()
        finally:
            gc.freeze()  # and so what is young is old: it would be looked through at once, for a quarter of a second
            gc.unfreeze()
            gc.set_threshold(*self._collecting)
            sys.setswitchinterval(self._turn_s)
