"""How a long-running command is ended: Ctrl-C or SIGTERM asks for a clean end, a second one insists."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from adapters.cli.refusals import INTERRUPTED


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """The flag is set by the first signal. After Ctrl-C the exit status is 130, after SIGTERM it is 0."""
    stop, heard = threading.Event(), list[int]()

    def note(number: int, _: FrameType | None) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard == [signal.SIGINT]:
        raise typer.Exit(INTERRUPTED)
