"""Chunks are decided one after the other, and appended in a thread of its own while the next one is prepared."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from adapters.importers.items import Item
from adapters.importers.progress import Position
from adapters.importers.rejects import RejectsFile
from adapters.importers.report import FileReport
from adapters.importers.settle import Chunk, Settler

# what an import makes lives for a few chunks; looking for cycles in it cost a fifth of the time
AT_EASE = (2_000_000, 20, 100)
# who comes back from the database must not wait for the interpreter: PostgreSQL would stand idle meanwhile
SHORT_TURN_S = 0.001


class Lane:
    """One chunk after the other through each stage; an error shows at the next step. `seq` is the row read last."""

    def __init__(
        self, settler: Settler, rejects: RejectsFile, report: FileReport, *, save: Callable[[Position], None]
    ) -> None:
        self._settler, self._rejects, self._save = settler, rejects, save
        self.report, self.seq = report, report.started_at_row
        self._appender = ThreadPoolExecutor(1, "import-append")
        self._appending: Future[None] | None = None
        self._before: Chunk | None = None
        self._collecting, self._turn_s = gc.get_threshold(), sys.getswitchinterval()

    def __enter__(self) -> Self:
        gc.set_threshold(*AT_EASE)
        sys.setswitchinterval(SHORT_TURN_S)
        return self

    def submit(self, items: Sequence[Item]) -> None:
        chunk = self._settler.decide(items, self._before)
        self._wait()
        self._before = chunk
        self._appending = self._appender.submit(self._settle, chunk, self.seq)

    def finish(self) -> None:
        self._wait()
        self._save(Position(self.seq, finished=True))
        self.report.rows, self.report.finished = self.seq, True

    def _settle(self, chunk: Chunk, seq: int) -> None:
        self._settler.settle(chunk, self.report, self._rejects)
        self._save(Position(seq))
        self.report.rows = seq

    def _wait(self) -> None:
        if self._appending is not None:
            self._appending.result()

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            self._appender.shutdown()
            gc.set_threshold(*self._collecting)
            sys.setswitchinterval(self._turn_s)
