"""A partner's feed as the relay reads it: by its own numbers, as it may be told now, while its topic carries it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from psycopg.pq.abc import PGresult

from adapters.postgres.led_lane import LedLane
from adapters.postgres.wire import decode_int, encode_int8, encode_int8s
from domain.errors import ConflictError, RemovedError
from streams.envelope import Outgoing
from streams.feeds.delivery import FeedPage
from streams.feeds.disclosing import CloudEvent
from streams.feeds.entries import Reason
from streams.feeds.records import ONLY, Tag, encode_told
from streams.feeds.topics import Binding, Forgotten
from streams.relay import Page

PROGRESS = "topic "
PAGE = 500  # an event may be as large as a fact
GATHER_S = 0.05

ReadFeed = Callable[[UUID, int, int], FeedPage]
"""Of a feed, after a number, so many; as Deliveries.read."""

CARRIES = """exists (select from feeds.topic t where t.name = convert_from($1::bytea, 'UTF8') and t.feed = $2::uuid
  and t.closed_at is null)"""
CARRIED = f"select {CARRIES}::int::int8"
IS_MORE = f"""select (exists (select from feeds.entry where feed = $2::uuid and feed_seq > $3::int8)
  and {CARRIES})::int::int8"""
FIND = """select e.feed_seq, f.event_id, e.reason from feeds.entry e join ledger.fact f using (position)
  where e.feed = $1::uuid and e.feed_seq = any ($2::int8[])"""
TO_FORGET = """select max(t.feed_seq), max(case when t.subject_id is null then t.feed_seq - 1 else
    (select max(e.feed_seq) from feeds.entry e where e.subject_id = t.subject_id and e.feed = t.feed
      and e.reason is null and e.feed_seq < t.feed_seq) end)
  from feeds.entry t where t.feed = $1::uuid and t.reason is not null and t.feed_seq > $2::int8"""


class FeedLane(LedLane):
    """Its positions are the feed's numbers. Implements ForgettingLane, too."""

    def __init__(self, dsn: str, *, topic: str, binding: Binding, read_feed: ReadFeed, tag: Tag) -> None:
        super().__init__(dsn, f"{PROGRESS}{topic}")
        self._carries = (binding.name.encode(), binding.feed.bytes)
        self._feed, self._read_feed, self._tag = binding.feed, read_feed, tag
        self._forgot, self._last, self._has_new, self._is_more = 0, 0, True, False

    def lead(self) -> bool:
        """Not of a topic that carries this feed no more."""
        if not self._session.lead():
            return False
        self._session.listen("feeds")  # before the first read, or a wake-up is lost
        if decode_int(self._session(CARRIED, *self._carries).get_value(0, 0)):
            return True
        self.close()
        return False

    def begin(self, heads: Mapping[int, int]) -> int:
        """After the last number that the topic has."""
        self._forgot, self._has_new, self._last = 0, True, heads[ONLY]
        return self._last

    def read(self, after: int, limit: int) -> Page[Outgoing]:
        """Nothing while the agreement is suspended, nor once the feed is closed."""
        most, self._is_more = min(limit, PAGE), False
        if not decode_int(self._session(IS_MORE, *self._carries, encode_int8(after)).get_value(0, 0)):
            return Page((), after)
        self._has_new = True
        try:
            page = self._read_feed(self._feed, after, most)
        except (ConflictError, RemovedError):
            return Page((), after)
        self._is_more = bool(page.events) and page.next < page.head  # one with long texts may be short
        return Page(self._rows(page.events), page.next)

    def _rows(self, events: Sequence[CloudEvent]) -> Sequence[Outgoing]:
        """Each names the one before it: of a feed that is ending not all are told."""
        tags, rows = self.find([(ONLY, event["feedseq"]) for event in events]), list[Outgoing]()
        for event in events:
            seq, tag = tags[ONLY, event["feedseq"]]
            rows.append(encode_told(event, self._last, tag))
            self._last = seq
        return rows

    def find(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, bytes]]:
        """Number and tag of the entries that exist at these (partition, number)."""
        found = self._session(FIND, self._feed.bytes, encode_int8s(seq for _, seq in places))
        return {(ONLY, seq): (seq, self._tag(seq, event_id, reason)) for seq, event_id, reason in _entries(found)}

    def sequences_at(self, position: int) -> Mapping[int, int]:
        return {ONLY: position}

    def to_forget(self) -> Forgotten | None:
        if not self._has_new:
            return None
        found = self._session(TO_FORGET, self._feed.bytes, encode_int8(self._forgot))
        if (tombstone := found.get_value(0, 0)) is None:
            self._has_new = False
            return None
        through = found.get_value(0, 1)
        return Forgotten(decode_int(tombstone), decode_int(through) if through else 0)

    def forgot(self, forgotten: Forgotten) -> None:
        self._forgot = forgotten.tombstone

    def wait(self, timeout_s: float) -> None:
        """Any feed's entries wake it; so it gathers for a moment, or many feeds would keep each other busy."""
        if not self._is_more:
            time.sleep(GATHER_S)
            super().wait(timeout_s)


def _entries(found: PGresult) -> Sequence[tuple[int, UUID, Reason | None]]:
    rows = ([found.get_value(i, n) for n in range(3)] for i in range(found.ntuples))
    return [
        (decode_int(seq), UUID(bytes=event_id), Reason(reason.decode()) if reason else None)
        for seq, event_id, reason in rows
    ]
