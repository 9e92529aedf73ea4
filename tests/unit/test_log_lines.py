"""Lines of a log are written together, in order, and none is lost when the process ends in good order."""

from __future__ import annotations

import threading
from io import StringIO

import pytest

from deploy import logs
from deploy.logs import LineLogger, Lines

LONG_S = 60.0


class Stream(StringIO):
    """Counts what is written, and tells when."""

    def __init__(self) -> None:
        super().__init__()
        self.writes, self.written = 0, threading.Event()

    def write(self, text: str) -> int:
        self.writes += bool(text)
        self.written.set()
        return super().write(text)


class FullStream(Stream):
    def write(self, text: str) -> int:
        super().write(text)
        raise OSError(28, "no space left")


def test_lines_that_come_together_are_written_together_and_in_order() -> None:
    lines = Lines(stream := Stream(), every_s=LONG_S)
    for n in range(100):
        lines.put(f"{n}")
    assert stream.writes == 0
    lines.close()
    assert stream.getvalue().split() == [str(n) for n in range(100)]
    assert stream.writes == 1


def test_a_line_waits_no_longer_than_it_may() -> None:
    lines = Lines(stream := Stream(), every_s=0.01)
    lines.put("one")
    assert stream.written.wait(10)
    lines.close()
    assert stream.getvalue() == "one\n"


def test_a_warning_does_not_wait_and_comes_after_what_does() -> None:
    lines = Lines(stream := Stream(), every_s=LONG_S)
    log = LineLogger(lines)
    log.info("first")
    log.warning("second")
    assert stream.getvalue() == "first\nsecond\n"
    lines.close()


def test_no_more_lines_wait_than_memory_is_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST", 10)
    lines = Lines(stream := Stream(), every_s=LONG_S)
    for n in range(11):
        lines.put(f"{n}")
    assert stream.getvalue().count("\n") == 11
    lines.close()


def test_what_comes_after_the_end_is_written_at_once() -> None:
    lines = Lines(stream := Stream(), every_s=LONG_S)
    lines.close()
    lines.put("late")
    assert stream.getvalue() == "late\n"


def test_a_full_disk_stops_nobody() -> None:
    lines = Lines(stream := FullStream(), every_s=0.01)
    lines.put("one")
    assert stream.written.wait(10)
    lines.close()
