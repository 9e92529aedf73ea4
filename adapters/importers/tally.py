"""Counting how often each key was seen, exactly and in bounded memory."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b

IN_MEMORY = 500_000
CREATE = "create table tally (key blob primary key, times integer not null) without rowid"


class Tally:
    """Counts keys; beyond `in_memory` of them their digests move to a temporary file that nobody else sees."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._limit = in_memory
        self._recent: dict[str, int] = {}
        self._spilled: sqlite3.Connection | None = None

    def count(self, key: str) -> int:
        """How often the key was seen, this time included."""
        if (times := self._recent.get(key)) is not None:
            self._recent[key] = times + 1
            return times + 1
        if len(self._recent) >= self._limit:
            self._spill()
        self._recent[key] = times = 1 + (self._known(key) if self._spilled else 0)
        return times

    def _known(self, key: str) -> int:
        assert self._spilled is not None
        row = self._spilled.execute("select times from tally where key = ?", [_digest(key)]).fetchone()
        return row[0] if row else 0

    def _spill(self) -> None:
        """What is in memory counts from the beginning, so it replaces what was spilled before."""
        if self._spilled is None:
            self._spilled = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._spilled.executescript(f"pragma journal_mode = off; {CREATE}")
        self._spilled.execute("begin")
        self._spilled.executemany(
            "insert or replace into tally values (?, ?)", ((_digest(key), n) for key, n in self._recent.items())
        )
        self._spilled.execute("commit")
        self._recent.clear()

    def close(self) -> None:
        if self._spilled is not None:
            self._spilled.close()


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
