"""The feeds' writer: the ledger, the entries and the bookmark over the one session that leads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from adapters.postgres.led_lane import LedLane
from adapters.postgres.wire import (
    decode_int,
    encode_int8,
    encode_int8s,
    encode_texts,
    encode_uuids,
)
from domain.event import Event
from streams.feeds.actor import Written
from streams.feeds.entries import Entry
from streams.relay import Page

NAME = "feeds"
HEADS = """select f, (select feed_seq from feeds.entry where feed = f order by feed_seq desc limit 1)
  from unnest($1::uuid[]) f"""
TOLD = "select distinct feed, subject_id from feeds.entry where subject_id = any ($1::uuid[]) and reason is null"
RENEWED = "select feed, version, unnest(types) from feeds.entry where before is not null"
MOVE = """insert into ledger.progress as p (name, position) values ('feeds', $2::int8)
    on conflict (name) do update set position = excluded.position where p.position = $1::int8 returning 1"""
MOVE_LATE = """update feeds.backfill set position = $2::int8, joined = $15::int8 = 1
    where feed = $16::uuid and position = $1::int8 and not joined returning 1"""
ENTER = """with moved as ({move}),
  entered as (
    insert into feeds.entry (feed, feed_seq, position, version, subject_id, products, reason, types, before)
    select e.feed, e.feed_seq, e.position, e.version, nullif(e.subject_id, '')::uuid, e.products::uuid[],
      nullif(e.reason, ''), e.types::text[], nullif(e.before, 0)
    from unnest($3::uuid[], $4::int8[], $5::int8[], $6::int8[], $7::text[], $8::text[], $9::text[], $10::text[],
        $11::int8[]) e (feed, feed_seq, position, version, subject_id, products, reason, types, before), moved
    returning 1),
  missed as (
    insert into feeds.misfit as m (feed, facts, reason)
    select n.feed, n.facts, n.reason from unnest($12::uuid[], $13::int8[], $14::text[]) n (feed, facts, reason), moved
    on conflict (feed) do update set facts = m.facts + excluded.facts, reason = excluded.reason),
  {more}
  told as (select pg_notify('feeds', '') from (select from entered limit 1) any_entered)
  select (select count(*) from moved), (select count(*) from told)"""
BEGIN = "begun as (insert into feeds.backfill (feed) select b.feed from unnest($15::uuid[]) b (feed), moved),"
ENTER_LIVE, ENTER_LATE = ENTER.format(move=MOVE, more=BEGIN), ENTER.format(move=MOVE_LATE, more="")
LATE = "select feed, position from feeds.backfill where not joined"


class PostgresFeedDesk(LedLane):
    """Implements FeedDesk."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, NAME)

    def heads(self, feeds: Collection[UUID]) -> Mapping[UUID, int]:
        rows = self._session(HEADS, encode_uuids(feeds))
        found = ((rows.get_value(i, 0), rows.get_value(i, 1)) for i in range(rows.ntuples))
        return {UUID(bytes=feed): decode_int(seq) for feed, seq in found if seq is not None}

    def read(self, after: int, limit: int, types: Collection[str]) -> Page[Event]:
        return self.read_of(types, after, limit)

    def told(self, subject_ids: Collection[UUID]) -> Collection[tuple[UUID, UUID]]:
        rows = self._session(TOLD, encode_uuids(subject_ids))
        return {(UUID(bytes=rows.get_value(i, 0)), UUID(bytes=rows.get_value(i, 1))) for i in range(rows.ntuples)}

    def renewed(self) -> Collection[tuple[UUID, int, str]]:
        rows = self._session(RENEWED)
        columns = ((rows.get_value(i, n) or b"" for n in range(3)) for i in range(rows.ntuples))
        return {(UUID(bytes=feed), decode_int(version), type_.decode()) for feed, version, type_ in columns}

    def enter(self, before: int, position: int, written: Written) -> bool:
        columns = (*_columns_of(written.entries), *_misfits_of(written.misfits), encode_uuids(written.begun))
        return self._enter(ENTER_LIVE, before, position, columns)

    def late(self) -> Mapping[UUID, int]:
        rows = self._session(LATE)
        return {UUID(bytes=rows.get_value(i, 0)): decode_int(rows.get_value(i, 1)) for i in range(rows.ntuples)}

    def enter_late(self, feed: UUID, before: int, position: int, written: Written, *, joined: bool) -> bool:
        columns = (*_columns_of(written.entries), *_misfits_of(written.misfits), encode_int8(joined), feed.bytes)
        return self._enter(ENTER_LATE, before, position, columns)

    def _enter(self, statement: str, before: int, position: int, columns: Sequence[bytes]) -> bool:
        moved = self._session(statement, encode_int8(before), encode_int8(position), *columns)
        return decode_int(moved.get_value(0, 0)) == 1


def _columns_of(entries: Sequence[Entry]) -> Iterable[bytes]:
    yield encode_uuids(one.feed for one in entries)
    yield encode_int8s(one.feed_seq for one in entries)
    yield encode_int8s(one.position for one in entries)
    yield encode_int8s(one.version for one in entries)
    yield encode_texts(str(one.subject_id or "") for one in entries)
    yield encode_texts(_array(map(str, one.products)) for one in entries)
    yield encode_texts(one.reason or "" for one in entries)
    yield encode_texts(_array(one.types) for one in entries)
    yield encode_int8s(one.before or 0 for one in entries)


def _misfits_of(misfits: Mapping[UUID, Sequence[str]]) -> Iterable[bytes]:
    yield encode_uuids(misfits)
    yield encode_int8s(len(reasons) for reasons in misfits.values())
    yield encode_texts(reasons[-1].replace("\0", "") for reasons in misfits.values())


def _array(texts: Iterable[str]) -> str:
    """Of ids and types of facts, in which nothing must be quoted."""
    return "{" + ",".join(texts) + "}"
