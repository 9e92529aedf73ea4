"""Shows an import at a terminal, and lets Ctrl-C end it between two chunks."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from adapters.importers.importing import Progress

LINE_EVERY_S = 10.0


@contextmanager
def shown(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, else a line every ten seconds."""
    pace = _Pace()
    if not console.is_terminal:
        yield lambda progress: _print_line(console, progress, pace)
        return
    columns = ("[progress.description]{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, TextColumn("{task.fields[pace]}"), console=console) as bar:
        task = bar.add_task("import", pace="")

        def move(progress: Progress) -> None:
            told = f"{progress.rows:,} rows, {pace.of(progress):,.0f}/s"
            bar.update(
                task, description=progress.file, completed=progress.bytes_read, total=progress.bytes_total, pace=told
            )

        yield move


class _Pace:
    """Rows a second of the file at hand."""

    def __init__(self) -> None:
        self._file, self._started, self._first, self.told_at = "", 0.0, 0, time.monotonic()

    def of(self, progress: Progress) -> float:
        now = time.monotonic()
        if progress.file != self._file:
            self._file, self._started, self._first = progress.file, now, progress.rows
        passed = now - self._started
        return (progress.rows - self._first) / passed if passed else 0.0


def _print_line(console: Console, progress: Progress, pace: _Pace) -> None:
    rows_per_s, now = pace.of(progress), time.monotonic()
    if progress.bytes_read < progress.bytes_total and now - pace.told_at < LINE_EVERY_S:
        return
    pace.told_at = now
    done = progress.bytes_read / progress.bytes_total if progress.bytes_total else 1.0
    console.print(f"{progress.file}: {progress.rows:,} rows, {done:.0%}, {rows_per_s:,.0f} rows/s", highlight=False)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Gives `stop`: true after the first Ctrl-C; the second one ends the program as usual. For the main thread."""
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            signal.default_int_handler(number, frame)
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
