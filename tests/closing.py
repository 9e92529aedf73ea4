"""Who closes feeds, for tests; and as a program that is killed by itself at the moment given, as by kill -9.

`python -m tests.closing APP KEYS_APP MASTER MOMENT FILE`: the file has a line for each time that a door was closed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from adapters.postgres.feeds import PostgresFeeds
from adapters.postgres.led_lane import LedLane
from domain.decider import Command
from streams.feeds.closing import NAME, Door, FeedCloser, Term
from streams.feeds.endings import Cause
from tests.backend import Backend

PATIENCE = timedelta(days=30)
MOMENTS = (
    *("before the door", "after the door", "before feed.close", "after feed.close"),
    *("before access.revoke_key", "after access.revoke_key"),
)


class WrittenDoor:
    """A door whose closings are written down."""

    def __init__(self, file: Path, moment: str) -> None:
        self._file, self._moment = file, moment

    def close(self, feed: UUID, partner_id: UUID) -> None:
        die_at(self._moment, "before the door")
        with self._file.open("a") as lines:
            lines.write(f"{feed} {partner_id}\n")
        die_at(self._moment, "after the door")


class MortalCloser(FeedCloser):
    """Dies in the middle of its work."""

    moment = ""

    def give(self, command: Command, cause: Cause, what: str) -> None:
        die_at(self.moment, f"before {command.NAME}")
        super().give(command, cause, what)
        die_at(self.moment, f"after {command.NAME}")


def die_at(moment: str, here: str) -> None:
    if moment == here:
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def closer_of(
    dsn: str, backend: Backend, doors: Sequence[Door] = (), *, late: timedelta = timedelta(), moment: str = ""
) -> Iterator[Term]:
    """Its term, to be stepped; `late` is how much later than now it takes it to be."""
    with closing(PostgresFeeds(dsn)) as told, closing(LedLane(dsn, NAME)) as facts:
        assert facts.lead()
        closer = MortalCloser(
            facts, told, backend.executor, backend.vault.derive_id, patience=PATIENCE,
            clock=lambda: datetime.now(UTC) + late, doors=doors,
        )  # fmt: skip
        closer.moment = moment
        yield Term(facts, closer)


if __name__ == "__main__":
    app, keys_app, master, at, file = sys.argv[1:]
    with (
        Backend.open(app, keys_app, master) as own,
        closer_of(app, own, [WrittenDoor(Path(file), at)], moment=at) as term,
    ):
        term.step()
