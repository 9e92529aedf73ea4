"""Feeds: up to where their partners have acknowledged tombstones, and which are closed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.feed.facts import FeedAcknowledged, FeedClosed, FeedFact
from projections.engine.readmodel import ReadModel, by_stream


class Feed(NamedTuple):
    """`closing` says why it is closed."""

    feed_id: UUID
    agreement_id: UUID
    acknowledged: int = 0
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    closing: str | None = None


def evolve(row: Feed | None, event: Event) -> Feed:
    fact, at = cast("FeedFact", event.fact), event.occurred_at
    row = row or Feed(event.stream_id, fact.agreement_id)
    match fact:
        case FeedAcknowledged(through=through):
            return row._replace(acknowledged=max(through, row.acknowledged), acknowledged_at=at)
        case FeedClosed(reason=reason):
            return row._replace(closed_at=at, closing=reason)
        case _:
            assert_never(fact)


feeds = ReadModel(
    name="feeds",
    version=1,
    row=Feed,
    key=1,
    facts=get_args(FeedFact),
    keys=by_stream,
    evolve=evolve,
)
