"""On which processors a process runs. Python's threads take turns; on several processors each turn costs more."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from domain.errors import RelatoError

THREADS = Path("/proc/self/task")


class ProcessorError(RelatoError):
    """RELATO_API_CPU names a processor that this process may not run on; leave it out, or name another."""


def keep_to(processor: int) -> None:
    """The threads there are, and those that they start. Raises ProcessorError."""
    if not THREADS.exists():
        raise ProcessorError("RELATO_API_CPU is for Linux; leave it out")
    try:
        for thread in THREADS.iterdir():
            with suppress(ProcessLookupError):  # it has ended
                os.sched_setaffinity(int(thread.name), {processor})
    except (OSError, OverflowError, ValueError) as error:
        raise ProcessorError(processor=processor, allowed=sorted(os.sched_getaffinity(0))) from error


def use_all() -> None:
    """For a process that was started by one that keeps to a processor."""
    if THREADS.exists():
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
