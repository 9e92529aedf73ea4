"""A program that enters facts into feeds and is killed by itself at the moment given, as by kill -9.

`python -m tests.entering DSN MOMENT`
"""

from __future__ import annotations

import os
import signal
import sys

from adapters.filters.cel import CelFilters
from adapters.postgres.feed_desk import PostgresFeedDesk
from streams.feeds.actor import Term, Written


class MortalDesk(PostgresFeedDesk):
    """Dies in the middle of its work."""

    def __init__(self, dsn: str, moment: str) -> None:
        super().__init__(dsn)
        self._moment = moment

    def enter(self, before: int, position: int, written: Written) -> bool:
        if not written.entries:
            return super().enter(before, position, written)
        if self._moment == "after it is entered":
            super().enter(before, position, written)
        os.kill(os.getpid(), signal.SIGKILL)
        return False


if __name__ == "__main__":
    desk = MortalDesk(*sys.argv[1:])
    assert desk.lead()
    term = Term(desk, CelFilters())
    while True:
        term.step()
