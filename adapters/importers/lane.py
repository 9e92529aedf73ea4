"""Chunks go through two stages, each in a thread of its own: decided, and appended, while the next one is prepared."""

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
# the stages take turns at the interpreter: at the usual 5 ms they lose a fifth of it to each other's cold caches
LONG_TURN_S = 0.05


class Lane:
    """One chunk after the other through each stage; an error shows at the next step. `seq` is the row read last."""

    def __init__(
        self, settler: Settler, rejects: RejectsFile, report: FileReport, *, save: Callable[[Position], None]
    ) -> None:
        self._settler, self._rejects, self._save = settler, rejects, save
        self.report, self.seq = report, report.started_at_row
        self._decider, self._appender = (ThreadPoolExecutor(1, f"import-{stage}") for stage in ("decide", "append"))
        self._deciding: Future[None] | None = None
        self._appending: Future[None] | None = None
        self._before: Chunk | None = None
        self._collecting, self._turn_s = gc.get_threshold(), sys.getswitchinterval()

    def __enter__(self) -> Self:
        gc.set_threshold(*AT_EASE)
        sys.setswitchinterval(LONG_TURN_S)
        return self

    def submit(self, items: Sequence[Item]) -> None:
        _await(self._deciding)
        self._deciding = self._decider.submit(self._decide, items, self.seq)

    def finish(self) -> None:
        self._wait()
        self._save(Position(self.seq, finished=True))
        self.report.rows, self.report.finished = self.seq, True

    def _decide(self, items: Sequence[Item], seq: int) -> None:
        chunk = self._settler.decide(items, self._before)
        _await(self._appending)
        self._before = chunk
        self._appending = self._appender.submit(self._settle, chunk, seq)

    def _settle(self, chunk: Chunk, seq: int) -> None:
        self._settler.settle(chunk, self.report, self._rejects)
        self._save(Position(seq))
        self.report.rows = seq

    def _wait(self) -> None:
        try:
            _await(self._deciding)
        finally:
            _await(self._appending)

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            self._decider.shutdown()
            self._appender.shutdown()
            gc.set_threshold(*self._collecting)
            sys.setswitchinterval(self._turn_s)


def _await(stage: Future[None] | None) -> None:
    if stage is not None:
        stage.result()
