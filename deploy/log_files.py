"""The log files of `relato up`: cut when they grow long, so that they never fill the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LARGEST_BYTES = 10 * 1024 * 1024
GLANCE_S = 10.0


class LogFiles:
    """Every log under a home. Who writes them holds them open for appending, so they are copied and emptied, not moved.

    One earlier part of each is kept as `….log.1`; what is written between copying and emptying is lost.
    """

    def __init__(self, home: Path, largest_bytes: int = LARGEST_BYTES) -> None:
        self._home, self._largest_bytes, self._due = home, largest_bytes, 0.0

    def watch(self, tell: Callable[[str], None]) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + GLANCE_S
        for log in self._too_long():
            try:
                shutil.copyfile(log, log.with_name(f"{log.name}.1"))
                os.truncate(log, 0)
            except OSError as error:
                tell(f"{log} grows and cannot be cut: {(error.strerror or str(error)).lower()}")

    def _too_long(self) -> Iterator[Path]:
        for pattern in ("*.log", "logs/*.log", "kafka/*.log"):
            for log in self._home.glob(pattern):
                if log.is_file() and log.stat().st_size > self._largest_bytes:
                    yield log
