"""Which partners' topics are open, which feed each carries, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from adapters.postgres.feed_lane import PROGRESS
from adapters.postgres.pooled import borrowed, open_pool
from streams.feeds.topics import Binding
from streams.topics import PARTNER

OPEN = """select t.name, t.feed, t.partner, t.opened_at, t.opened_by, coalesce(p.position, 0),
    coalesce((select e.feed_seq from feeds.entry e where e.feed = t.feed order by e.feed_seq desc limit 1), 0)
  from feeds.topic t left join ledger.progress p on p.name = %s || t.name || '.v1'
  where t.closed_at is null order by 1"""
LAST = "select name, feed, partner, closed_at is null from feeds.topic where name = %s order by opened_at desc limit 1"


class OpenTopic(NamedTuple):
    """`sent` and `head` are numbers of the feed."""

    binding: Binding
    opened_at: datetime
    opened_by: str
    sent: int
    head: int


class Last(NamedTuple):
    """What a name's topic carried last, and whether it does still."""

    binding: Binding
    is_open: bool


class PostgresPartnerTopics:
    """Safe from many threads. Raises UnavailableError."""

    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=2)

    def list(self) -> Sequence[OpenTopic]:
        with borrowed(self._pool) as db:
            rows = db.execute(OPEN, [PROGRESS + PARTNER]).fetchall()
        return [OpenTopic(Binding(*row[:3]), *row[3:]) for row in rows]

    def bindings(self) -> Sequence[Binding]:
        return [one.binding for one in self.list()]

    def last(self, name: str) -> Last | None:
        with borrowed(self._pool) as db:
            found = db.execute(LAST, [name]).fetchone()
        return Last(Binding(*found[:3]), found[3]) if found else None

    def open(self, binding: Binding, principal: str) -> bool:
        """False when another opened one of this name meanwhile."""
        with borrowed(self._pool) as db:
            done = db.execute(
                "insert into feeds.topic (name, feed, partner, opened_by) values (%s, %s, %s, %s)"
                " on conflict do nothing",
                [*binding, principal],
            )
        return done.rowcount == 1

    def close_topic(self, name: str, principal: str) -> bool:
        """False when none of this name is open."""
        with borrowed(self._pool) as db:
            done = db.execute(
                "update feeds.topic set closed_at = clock_timestamp(), closed_by = %s"
                " where name = %s and closed_at is null",
                [principal, name],
            )
        return done.rowcount == 1

    def close(self) -> None:
        self._pool.close()
