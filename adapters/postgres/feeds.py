"""Partners' feeds as they are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.pq.abc import PGresult

from adapters.postgres.libpq import Pool
from adapters.postgres.pooled import borrowed, open_pool
from adapters.postgres.wire import EVENT_COLUMNS, decode_events, decode_int, encode_int8, encode_texts, encode_uuids
from domain.event import Event
from streams.feeds import people
from streams.feeds.delivery import Covered
from streams.feeds.disclosing import Delivery
from streams.feeds.entries import Entry, Reason

EVENT_WIDTH = len(EVENT_COLUMNS.split(", "))
FACT = ", ".join(f"f.{name}" for name in EVENT_COLUMNS.split(", "))
ENTRIES = f"""select {FACT}, e.feed_seq, e.version, e.subject_id, array_to_string(e.products, ','), e.reason,
  array_to_string(e.types, ','), e.before from feeds.entry e join ledger.fact f using (position)
  where e.feed = $1::uuid and e.feed_seq > $2::int8 {{}} order by e.feed_seq limit $3::int8"""
ALL, TOMBSTONES = ENTRIES.format(""), ENTRIES.format("and e.reason is not null")
LAST_TOMBSTONE = """select coalesce(max(feed_seq), 0) from feeds.entry
  where feed = $1::uuid and feed_seq <= $2::int8 and reason is not null"""
OF_FEEDS = """select e.feed, e.feed_seq, e.reason, e.subject_id, e.types, f.recorded_at
  from feeds.entry e join ledger.fact f using (position)
  where e.reason is not null and e.feed = any (%s) order by f.position, e.feed, e.feed_seq"""
IS_LATE = "select count(*) from feeds.backfill where feed = $1::uuid and not joined"
HEADS = """select f, coalesce((select feed_seq from feeds.entry where feed = f order by feed_seq desc limit 1), 0)
  from unnest($1::uuid[]) f"""
TOLD_OF = f"""select {EVENT_COLUMNS} from ledger.fact where subject_id = any ($1::uuid[]) and type = any ($2::text[])
  order by position"""
COVERED = """select p.position, f.recorded_at from ledger.progress p left join ledger.fact f using (position)
  where p.name = 'feeds'"""


class Misfits(NamedTuple):
    """Facts about which a feed's row filter could not be asked, and why, the last time."""

    facts: int
    reason: str


class Tombstone(NamedTuple):
    """`subject_id` whom it is about, if one; `told_at` when what it follows from was recorded."""

    feed: UUID
    feed_seq: int
    reason: str
    subject_id: UUID | None
    types: Sequence[str]
    told_at: datetime


class PostgresFeeds:
    """Implements Feeds."""

    def __init__(self, dsn: str) -> None:
        self._query = Pool(dsn, most=4)
        self._pool = open_pool(dsn, most=2)

    def read(self, feed: UUID, after: int, limit: int) -> Sequence[Delivery]:
        return self._read(ALL, feed, after, limit)

    def read_tombstones(self, feed: UUID, after: int, limit: int) -> Sequence[Delivery]:
        return self._read(TOMBSTONES, feed, after, limit)

    def _read(self, entries: str, feed: UUID, after: int, limit: int) -> Sequence[Delivery]:
        rows = self._query(entries, feed.bytes, encode_int8(after), encode_int8(limit))
        events = decode_events(rows)
        return [Delivery(_entry(feed, event.position, rows, i), event) for i, event in enumerate(events)]

    def last_tombstone(self, feed: UUID, upto: int) -> int:
        return decode_int(self._query(LAST_TOMBSTONE, feed.bytes, encode_int8(upto)).get_value(0, 0))

    def tombstones(self, feeds: Collection[UUID]) -> Sequence[Tombstone]:
        """In the ledger's order."""
        with borrowed(self._pool) as db:
            return [Tombstone(*row) for row in db.execute(OF_FEEDS, [list(feeds)]).fetchall()]

    def is_late(self, feed: UUID) -> bool:
        """Whether it has not come as far as the others."""
        return decode_int(self._query(IS_LATE, feed.bytes).get_value(0, 0)) > 0

    def head(self, feed: UUID) -> int:
        return self.heads([feed])[feed]

    def heads(self, feeds: Collection[UUID]) -> Mapping[UUID, int]:
        rows = self._query(HEADS, encode_uuids(feeds))
        return {UUID(bytes=rows.get_value(i, 0)): decode_int(rows.get_value(i, 1)) for i in range(rows.ntuples)}

    def told_of(self, subject_ids: Collection[UUID]) -> Sequence[Event]:
        return decode_events(self._query(TOLD_OF, encode_uuids(subject_ids), encode_texts(people.TYPES)))

    def covered(self) -> Covered:
        with borrowed(self._pool) as db:
            found = db.execute(COVERED).fetchone()
        return Covered(*found) if found else Covered(0, None)

    def misfits(self) -> Mapping[UUID, Misfits]:
        with borrowed(self._pool) as db:
            rows = db.execute("select feed, facts, reason from feeds.misfit").fetchall()
        return {feed: Misfits(facts, reason) for feed, facts, reason in rows}

    def close(self) -> None:
        self._query.close()
        self._pool.close()


def _entry(feed: UUID, position: int, rows: PGresult, i: int) -> Entry:
    columns = (rows.get_value(i, EVENT_WIDTH + n) for n in range(7))
    seq, version, subject_id, products, reason, types, before = columns
    return Entry(
        feed,
        decode_int(seq),
        position,
        decode_int(version),
        UUID(bytes=subject_id) if subject_id else None,
        tuple(UUID(text) for text in _parts(products)),
        Reason(reason.decode()) if reason else None,
        tuple(_parts(types)),
        decode_int(before) if before else None,
    )


def _parts(listed: bytes | None) -> Sequence[str]:
    return listed.decode().split(",") if listed else ()
