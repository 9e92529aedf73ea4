"""The webhooks' writer: where the endpoints stand and what was tried, over the one session that leads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.pq.abc import PGresult

from adapters.postgres.led_lane import LedLane
from adapters.postgres.wire import decode_int, decode_time, encode_int8, encode_int8s, encode_texts, encode_uuids
from domain.event import Event
from streams.relay import Page
from streams.webhooks.desk import Attempt, Errand, Noted, Standing, Step
from streams.webhooks.schedule import Health

NAME = "webhooks"
LOG_DAYS, LOG_MOST = 30, 1_000  # attempts of one endpoint
STANDINGS = "select endpoint, feed, taken, sends, failures, since, due, reason, lacks from feeds.webhook"
ERRANDS = """select number, endpoint, first, last from feeds.webhook_errand where outcome is null
  and endpoint in (select endpoint from feeds.webhook) order by number limit 1000"""
NOTE = """with moved as (
    insert into ledger.progress as p (name, position) values ('webhooks', $2::int8)
    on conflict (name) do update set position = excluded.position where p.position = $1::int8 returning 1),
  stood as (
    insert into feeds.webhook as w (endpoint, feed, taken, sends, failures, since, due, reason, lacks)
    select s.endpoint, s.feed, s.taken, s.sends = 1, s.failures, nullif(s.since, '')::timestamptz,
      nullif(s.due, '')::timestamptz, s.reason, s.lacks
    from unnest($3::uuid[], $4::uuid[], $5::int8[], $6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[],
      $11::text[]) s (endpoint, feed, taken, sends, failures, since, due, reason, lacks), moved
    on conflict (endpoint) do update set taken = excluded.taken, sends = excluded.sends,
      failures = excluded.failures, since = excluded.since, due = excluded.due, reason = excluded.reason,
      lacks = excluded.lacks),
  removed as (delete from feeds.webhook w using moved where w.endpoint = any ($12::uuid[])),
  dropped as (
    update feeds.webhook_errand e set outcome = 'the endpoint was removed' from moved
    where e.endpoint = any ($12::uuid[]) and e.outcome is null),
  tried as (
    insert into feeds.webhook_attempt (endpoint, at, kind, feed_seq, status, reason, took_ms)
    select a.endpoint, a.at::timestamptz, a.kind, nullif(a.feed_seq, 0), nullif(a.status, 0), a.reason, a.took_ms
    from unnest($13::uuid[], $14::text[], $15::text[], $16::int8[], $17::int8[], $18::text[], $19::int8[])
      with ordinality a (endpoint, at, kind, feed_seq, status, reason, took_ms, n), moved order by a.n),
  stepped as (
    update feeds.webhook_errand e set first = nullif(s.following, 0), outcome = nullif(s.outcome, '')
    from unnest($20::int8[], $21::int8[], $22::text[]) s (number, following, outcome), moved
    where e.number = s.number)
  select count(*) from moved"""
TIDY_OLD = f"""delete from feeds.webhook_attempt where at < clock_timestamp() - interval '{LOG_DAYS} days'"""
TIDY_MANY = f"""delete from feeds.webhook_attempt a using feeds.webhook w where a.endpoint = w.endpoint and a.number <=
  (select n.number from feeds.webhook_attempt n where n.endpoint = w.endpoint
   order by n.number desc offset {LOG_MOST} limit 1)"""
TIDY_ERRANDS = f"""delete from feeds.webhook_errand where outcome is not null
  and asked_at < clock_timestamp() - interval '{LOG_DAYS} days'"""


class PostgresWebhookDesk(LedLane):
    """Implements WebhookDesk."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, NAME)

    def read(self, after: int, limit: int, types: Collection[str]) -> Page[Event]:
        return self.read_of(types, after, limit)

    def standings(self) -> Sequence[Standing]:
        rows = self._session(STANDINGS)
        return [_standing(rows, i) for i in range(rows.ntuples)]

    def errands(self) -> Sequence[Errand]:
        rows = self._session(ERRANDS)
        return [
            Errand(decode_int(rows.get_value(i, 0)), _uuid(rows, i, 1), _number(rows, i, 2), _number(rows, i, 3))
            for i in range(rows.ntuples)
        ]

    def note(self, before: int, noted: Noted) -> bool:
        columns = (
            *_of_standings(noted.standings),
            encode_uuids(noted.removed),
            *_of_attempts(noted.attempts),
            *_of_steps(noted.steps),
        )
        moved = self._session(NOTE, encode_int8(before), encode_int8(noted.position), *columns)
        return decode_int(moved.get_value(0, 0)) == 1

    def tidy(self) -> None:
        for statement in (TIDY_OLD, TIDY_MANY, TIDY_ERRANDS):
            self._session(statement)


def _of_standings(standings: Collection[Standing]) -> Iterable[bytes]:
    yield encode_uuids(one.endpoint_id for one in standings)
    yield encode_uuids(one.feed for one in standings)
    yield encode_int8s(one.taken for one in standings)
    yield encode_int8s(one.sends for one in standings)
    yield encode_int8s(one.health.failures for one in standings)
    yield encode_texts(_iso(one.health.since) for one in standings)
    yield encode_texts(_iso(one.health.due) for one in standings)
    yield encode_texts(_clean(one.health.reason) for one in standings)
    yield encode_texts(_clean(one.lacks) for one in standings)


def _of_attempts(attempts: Sequence[Attempt]) -> Iterable[bytes]:
    yield encode_uuids(one.endpoint_id for one in attempts)
    yield encode_texts(_iso(one.at) for one in attempts)
    yield encode_texts(one.kind for one in attempts)
    yield encode_int8s(one.feed_seq or 0 for one in attempts)
    yield encode_int8s(one.answer.status or 0 for one in attempts)
    yield encode_texts(_clean(one.answer.reason) for one in attempts)
    yield encode_int8s(one.answer.took_ms for one in attempts)


def _of_steps(steps: Sequence[Step]) -> Iterable[bytes]:
    yield encode_int8s(one.number for one in steps)
    yield encode_int8s(one.following or 0 for one in steps)
    yield encode_texts(_clean(one.outcome) for one in steps)


def _standing(rows: PGresult, i: int) -> Standing:
    since, due = (decode_time(told) if (told := rows.get_value(i, n)) else None for n in (5, 6))
    health = Health(decode_int(rows.get_value(i, 4)), since, due, (rows.get_value(i, 7) or b"").decode())
    sends = rows.get_value(i, 3) == b"\x01"
    lacks = (rows.get_value(i, 8) or b"").decode()
    return Standing(_uuid(rows, i, 0), _uuid(rows, i, 1), decode_int(rows.get_value(i, 2)), sends, health, lacks)


def _uuid(rows: PGresult, i: int, n: int) -> UUID:
    return UUID(bytes=rows.get_value(i, n))


def _number(rows: PGresult, i: int, n: int) -> int | None:
    return decode_int(told) if (told := rows.get_value(i, n)) else None


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _clean(text: str) -> str:
    return text.replace("\0", "")[:500]
