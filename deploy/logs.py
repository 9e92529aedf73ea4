"""Logs of the long-running processes: JSON by line, or for people when they look; written together, not one by one."""

from __future__ import annotations

import atexit
import json
import logging
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

import structlog
from pydantic_core import to_json

EVERY_S = 0.1  # what kill -9 may lose
MOST = 1_000  # lines that wait


class Lines:
    """Lines on their way to a stream: a write and a flush for each would cost the API's loop a third of its time.

    In order, from many threads. Who comes when too many wait writes them, so that memory is bounded.
    """

    def __init__(self, stream: TextIO, every_s: float = EVERY_S) -> None:
        self._stream, self._every_s = stream, every_s
        self._waiting: deque[str] = deque()
        self._writing, self._some, self._closed = threading.Lock(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) > MOST or self._closed.is_set():
            self.pour()
        elif not self._some.is_set():
            self._some.set()

    def pour(self) -> None:
        """Writes what waits."""
        with self._writing:
            text = "".join(f"{self._waiting.popleft()}\n" for _ in range(len(self._waiting)))
            with suppress(OSError, ValueError):  # full or closed: nowhere is left to tell it, and requests go on
                self._stream.write(text)
                self._stream.flush()

    def close(self) -> None:
        """What waits is written; what comes later is written at once."""
        self._closed.set()
        self._some.set()
        self._thread.join()
        self.pour()

    def _write_on(self) -> None:
        while not self._closed.is_set():
            self._some.wait()
            self._closed.wait(self._every_s)
            self._some.clear()
            self.pour()


class LineLogger:
    """What structlog calls with a finished line, by its level: warnings do not wait."""

    def __init__(self, lines: Lines) -> None:
        self.info = self.debug = self.msg = lines.put
        self._lines = lines

    def warning(self, line: str) -> None:
        self._lines.put(line)
        self._lines.pour()

    error = critical = exception = fatal = warn = failure = warning


def configure_logs() -> None:
    """On stderr. Nothing personal is logged anywhere: facts are named by type and position."""
    is_watched = sys.stderr.isatty()
    shape = [structlog.dev.ConsoleRenderer()] if is_watched else [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_in_json),
    ]  # fmt: skip
    lines = Lines(sys.stderr)
    atexit.register(lines.close)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: LineLogger(lines),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")


def _in_json(line: Mapping[str, Any], **_: object) -> str:
    try:
        return to_json(line, fallback=repr).decode()
    except ValueError:  # half a character in a text that somebody sent
        return json.dumps(line, default=repr)
