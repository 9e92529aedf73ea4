"""The windows together: each fact goes in once, alerts come out once, and rows are told when they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

from pydantic_core import to_json

from streams.shares import Share
from streams.windows.alerts import Raised
from streams.windows.complaints import Complaints
from streams.windows.rules import Rules
from streams.windows.sellers import Sellers
from streams.windows.sla import Sla
from streams.windows.window import Window

LONG_AGO = datetime.min.replace(tzinfo=UTC)
ON_ITS_WAY = timedelta(seconds=2)  # what a fact may take from the ledger to its topic
WINDOWS: Sequence[Callable[[Rules], Window]] = (Sellers, Sla, Complaints)


class Reach:
    """Until when all facts of a department have come, by comparing what was read with where its partitions ended."""

    def __init__(self) -> None:
        self._passed: dict[int, datetime] = {}
        self._ends: dict[int, tuple[datetime, int]] = {}

    def look(self, now: datetime, ends: Mapping[int, int], read: Mapping[int, int]) -> datetime:
        """`ends` as they were after `now`, `read` the next record of each partition; LONG_AGO until all have an end."""
        for partition, end in ends.items():
            seen_at, seen_end = self._ends.setdefault(partition, (now, end))
            if read[partition] >= seen_end:
                self._passed[partition] = now if read[partition] >= end else seen_at
                self._ends[partition] = (now, end)
        return min((self._passed.get(partition, LONG_AGO) for partition in ends), default=LONG_AGO)


class Live:
    """What a worker remembers. It is made anew from the topics whenever one starts.

    `told`: alerts that the topic has already, by id; it must reach back as far as `rules.late`.
    """

    def __init__(self, rules: Rules, told: Mapping[UUID, datetime] = {}) -> None:
        self._rules, self._told = rules, dict(told)
        self.windows = [make(rules) for make in WINDOWS]
        self._positions: dict[tuple[str, int], int] = {}
        self.types = {window.department: self._types_of(window.department) for window in self.windows}

    def _types_of(self, department: str) -> frozenset[str]:
        return frozenset(chain.from_iterable(one.types for one in self.windows if one.department == department))

    def take(self, department: str, share: Share, now: datetime) -> Sequence[Raised]:
        """Alerts that are news. Positions grow along a partition: what is not beyond the last one is a repeat."""
        place = (department, share.partition)
        if share.position <= self._positions.get(place, 0):
            return ()
        self._positions[place] = share.position
        concerned = (one for one in self.windows if one.department == department and share.type in one.types)
        return self._news(chain.from_iterable(one.take(share) for one in concerned), now)

    def tick(self, now: datetime, passed: Mapping[str, datetime]) -> Sequence[Raised]:
        """Alerts that have arisen by now; `passed`: until when all facts of a department have come."""
        found: list[Raised] = []
        for window in self.windows:
            if (until := passed.get(window.department, LONG_AGO)) > LONG_AGO:
                found += self._news(window.judge(until - ON_ITS_WAY), now)
        self._told = {id_: at for id_, at in self._told.items() if at > now - 2 * self._rules.late}
        return found

    def _news(self, alerts: Iterable[Raised], now: datetime) -> list[Raised]:
        news = [one for one in alerts if one.id not in self._told and one.at > now - self._rules.late]
        self._told |= {one.id: one.at for one in news}
        return news


class Screen:
    """The rows that whoever looks has been told, by `<window>/<key>`; what changed is to be told."""

    def __init__(self, shown: Mapping[str, bytes] = {}) -> None:
        self._shown = dict(shown)

    def changes(self, windows: Sequence[Window], now: datetime) -> Mapping[str, bytes | None]:
        """The new rows of these windows in JSON, None where one is gone."""
        rows = dict(_rows(windows, now))
        names = {window.name for window in windows}
        gone = [key for key in self._shown if window_of(key) in names and key not in rows]
        changed: dict[str, bytes | None] = {key: row for key, row in rows.items() if self._shown.get(key) != row}
        self._shown |= rows
        for key in gone:
            del self._shown[key]
        return changed | dict.fromkeys(gone)


def window_of(key: str) -> str:
    return key.partition("/")[0]


def _rows(windows: Iterable[Window], now: datetime) -> Iterator[tuple[str, bytes]]:
    for window in windows:
        for row in window.rows(now):
            yield f"{window.name}/{row[window.key]}", to_json(row)
