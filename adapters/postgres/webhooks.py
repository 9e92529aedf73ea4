"""Webhooks as they are looked at and asked for: where endpoints stand, what was tried, and what is wanted beside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from adapters.postgres.pooled import borrowed, open_pool
from domain.errors import ConflictError

STANDINGS = """select w.endpoint as endpoint_id, w.feed, w.taken, w.sends, w.failures, w.since, w.due,
    case when w.lacks = '' then w.reason else w.lacks end as reason, w.lacks <> '' as waits,
    coalesce((select feed_seq from feeds.entry e where e.feed = w.feed order by feed_seq desc limit 1), 0) as head
  from feeds.webhook w where %(all)s or w.endpoint = any (%(ids)s) order by w.endpoint"""
LOG = """select number, at, kind, feed_seq, status, reason, took_ms from feeds.webhook_attempt
  where endpoint = %s and number < %s order by number desc limit %s"""
MOST_OPEN = 100  # of one endpoint
ASK = f"""insert into feeds.webhook_errand (endpoint, first, last, actor)
  select %(endpoint)s, %(first)s::bigint, %(last)s::bigint, %(actor)s
  where (select count(*) from feeds.webhook_errand where endpoint = %(endpoint)s and outcome is null) < {MOST_OPEN}
  returning number"""
OUTCOME = "select outcome from feeds.webhook_errand where number = %s and endpoint = %s"
LARGEST = 2**63 - 1


class ErrandsError(ConflictError):
    """So much was asked of this endpoint already that is not done yet; wait until it is."""


class Delivered(NamedTuple):
    """Where an endpoint stands; `head` is its feed's last number."""

    endpoint_id: UUID
    feed: UUID
    taken: int
    sends: bool
    failures: int
    since: datetime | None
    due: datetime | None
    reason: str
    waits: bool  # for its secret
    head: int

    @property
    def state(self) -> str:
        if not self.sends:
            return "disabled"
        if self.waits:
            return "waiting"
        return "failing" if self.since else "active"

    @property
    def behind(self) -> int:
        return max(0, self.head - self.taken)


class Tried(NamedTuple):
    """A line of the delivery log."""

    number: int
    at: datetime
    kind: str
    feed_seq: int | None
    status: int | None
    reason: str
    took_ms: int


class PostgresWebhooks:
    """Every call may raise UnavailableError."""

    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=2)

    def standings(self, endpoint_ids: Collection[UUID] | None = None) -> Mapping[UUID, Delivered]:
        """Of all, or of these; the worker has not seen an endpoint that is missing."""
        asked = {"all": endpoint_ids is None, "ids": list(endpoint_ids or ())}
        with borrowed(self._pool) as db:
            found = db.cursor(row_factory=class_row(Delivered)).execute(STANDINGS, asked).fetchall()
        return {one.endpoint_id: one for one in found}

    def log(self, endpoint_id: UUID, *, before: int | None = None, limit: int) -> Sequence[Tried]:
        """The newest first."""
        asked = [endpoint_id, LARGEST if before is None else before, limit]
        with borrowed(self._pool) as db:
            return db.cursor(row_factory=class_row(Tried)).execute(LOG, asked).fetchall()

    def ask(self, endpoint_id: UUID, actor: str, first: int | None = None, last: int | None = None) -> int:
        """For a ping, or for these numbers once more; answers the errand's number."""
        with borrowed(self._pool) as db:
            asked = {"endpoint": endpoint_id, "first": first, "last": last, "actor": actor}
            found = db.execute(ASK, asked).fetchone()
        if found is None:
            raise ErrandsError(endpoint=endpoint_id)
        return int(found[0])

    def outcome(self, errand: int, endpoint_id: UUID) -> str | None:
        """None until it is done."""
        with borrowed(self._pool) as db:
            found = db.execute(OUTCOME, [errand, endpoint_id]).fetchone()
        return found[0] if found else None

    def close(self) -> None:
        self._pool.close()
