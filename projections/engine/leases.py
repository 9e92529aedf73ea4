"""Leases: which worker folds which partitions. Those of a dead one move on after a term."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from domain.event import PARTITIONS
from projections.engine.statements import read_statements

TERM = timedelta(seconds=10)
LIVE = "live"
_SQL = read_statements(Path(__file__).with_name("engine.sql"))


class Leases:
    """One worker's share of a crew's partitions; its number is new each time."""

    def __init__(
        self, db: psycopg.Connection[Any], crew: str = LIVE, *, term: timedelta = TERM, expected: int = 1
    ) -> None:
        """`expected` workers are coming, so that the first doesn't take all."""
        self._db, self.crew, self._term, self._expected = db, crew, term, expected
        db.execute(_SQL["enlist"], {"crew": crew, "partitions": PARTITIONS})
        found = db.execute(_SQL["next_worker"]).fetchone()
        assert found is not None
        self.worker: int = found[0]

    def claim(self) -> tuple[frozenset[int], bool]:
        """Prolongs what is held, gives back what is beyond a fair share, takes what is free up to it.

        True says that some were taken just now.
        """
        with self._db.transaction():
            share = self._share()
            held = self._ask("prolong")
            if extra := sorted(held)[share:]:
                self._ask("give_back", partitions=extra)
            taken = self._ask("take_free", limit=share - len(held)) if len(held) < share else frozenset()
        return held - set(extra) | taken, bool(taken)

    def seize(self, partition: int) -> None:
        """Takes a partition from whoever holds it; that one's next commit fails."""
        self._ask("seize", partitions=[partition])

    def release(self) -> None:
        with self._db.transaction():
            self._ask("release")
            self._ask("leave")

    def _share(self) -> int:
        self._ask("be_seen")
        self._ask("forget_the_gone")
        found = self._db.execute(_SQL["count_crew"], {"crew": self.crew, "term": self._term}).fetchone()
        assert found is not None
        present: int = found[0]
        return -(-PARTITIONS // max(present, self._expected))

    def _ask(self, statement: str, **params: object) -> frozenset[int]:
        given = {"crew": self.crew, "worker": self.worker, "term": self._term} | params
        found = self._db.execute(_SQL[statement], given)
        return frozenset(p for (p,) in found.fetchall()) if found.description else frozenset()
