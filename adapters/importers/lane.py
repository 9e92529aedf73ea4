"""Settles chunks in a thread of its own, while the next one is prepared."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from adapters.importers.items import Item
from adapters.importers.progress import Position
from adapters.importers.rejects import RejectsFile
from adapters.importers.report import FileReport
from adapters.importers.settle import Settler

AT_EASE = (
    50_000,
    20,
    100,
)  # what an import makes lives for one chunk; looking for cycles in it cost a quarter of the time


class Lane:
    """One chunk after the other, one in flight; an error shows at the next step. `seq` is the row read last."""

    def __init__(
        self, settler: Settler, rejects: RejectsFile, report: FileReport, *, save: Callable[[Position], None]
    ) -> None:
        self._settler, self._rejects, self._save = settler, rejects, save
        self.report, self.seq = report, report.started_at_row
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="import")
        self._running: Future[None] | None = None
        self._collecting = gc.get_threshold()

    def __enter__(self) -> Self:
        gc.set_threshold(*AT_EASE)
        return self

    def submit(self, items: Sequence[Item]) -> None:
        self._wait()
        self._running = self._pool.submit(self._settle, items, self.seq)

    def finish(self) -> None:
        self._wait()
        self._save(Position(self.seq, finished=True))
        self.report.rows, self.report.finished = self.seq, True

    def _settle(self, items: Sequence[Item], seq: int) -> None:
        self._settler.settle(items, self.report, self._rejects)
        self._save(Position(seq))
        self.report.rows = seq

    def _wait(self) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            running.result()

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            self._pool.shutdown()
            gc.set_threshold(*self._collecting)
