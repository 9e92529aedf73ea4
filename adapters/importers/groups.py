"""Rows that belong together though they do not stand together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from adapters.importers.errors import ScatteredError
from adapters.importers.rows import Row
from adapters.importers.tally import Tally

MOST_HELD = 500_000
Key = Callable[[Row], str | None]


class Group:
    """Rows with one key; `flaw` says why it may be incomplete."""

    __slots__ = ("flaw", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.flaw: str | None = None


def count_runs(rows: Iterable[Row], key: Key) -> dict[str, int]:
    """How many runs of neighbouring rows each key has, for the keys that come back after another one."""
    tally, last, returning = Tally(), None, dict[str, int]()
    for row in rows:
        if row.flaw or (now := key(row)) is None or now == last:
            continue
        if (runs := tally.count(now)) > 1:
            returning[now] = runs
            _bound(len(returning))
        last = now
    tally.close()
    return returning


class Gatherer:
    """Gives each group when its last row was seen; only groups that come back are held meanwhile."""

    def __init__(self, key: Key, returning: Mapping[str, int]) -> None:
        self._key, self._runs_left = key, dict(returning)
        self._now: str | None = None
        self._open = Group()
        self._held: dict[str, Group] = {}
        self._held_rows = 0
        self._doubt: str | None = None

    def take(self, row: Row) -> Group | None:
        """The group that is complete now that this row came. A row without a key is a group of its own, with a flaw."""
        if row.flaw:  # it may have belonged to the group before it or to the one after it
            self._doubt = self._open.flaw = f"row {row.number} beside it cannot be read, and may belong to it"
            return None
        if (key := self._key(row)) is None:
            alone = Group()
            alone.rows.append(row)
            alone.flaw = "a column that rows are grouped by is blank"
            return alone
        done = self._turn_to(key) if key != self._now else None
        self._open.rows.append(row)
        if self._doubt:
            self._open.flaw, self._doubt = self._doubt, None
        return done

    def finish(self) -> Iterator[Group]:
        if (last := self._close()) is not None:
            yield last
        yield from self._held.values()

    def _turn_to(self, key: str) -> Group | None:
        done = self._close()
        self._now = key
        self._open = self._held.pop(key) if key in self._held else Group()
        self._held_rows -= len(self._open.rows)
        return done

    def _close(self) -> Group | None:
        group, key = self._open, self._now
        if key is None:
            return None
        if key not in self._runs_left:
            return group
        self._runs_left[key] -= 1
        if self._runs_left[key] <= 0:
            del self._runs_left[key]
            return group
        self._held[key] = group
        self._held_rows += len(group.rows)
        _bound(self._held_rows)
        return None


def _bound(held: int) -> None:
    if held > MOST_HELD:
        raise ScatteredError(held=held)
