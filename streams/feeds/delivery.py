"""A feed from any place on, as it may be told now: every transport asks here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.agreement.decider import Agreement
from domain.decision import fold
from domain.errors import ConflictError, InvalidError, RemovedError
from domain.event import Event
from domain.feed.decider import Receipt
from domain.feed.decider import feed as receipts
from domain.ports import Ledger
from projections.disclosure import MOST_CONTENTS
from projections.facts import long_texts_in
from streams.feeds.disclosing import CloudEvent, Delivery, Feed, Opening, disclose
from streams.feeds.filters import Filters, RowFilter, usable
from streams.feeds.parties import agreement_in, is_removed
from streams.feeds.people import People


class FeedPositionError(InvalidError):
    """The feed has not come so far; begin anew, after 0."""


class FeedReplacedError(FeedPositionError):
    """Something else stands at that number than you were told: the ledger was restored from a backup. Begin anew."""


class FeedClosedError(RemovedError):
    """The feed has ended: its tombstones were acknowledged, or the time for that has passed."""


class Covered(NamedTuple):
    """Up to where the ledger's facts are in the feeds: its position, and when the last of them was recorded."""

    position: int
    until: datetime | None


class Feeds(Protocol):
    """The feeds as they are read. Raises UnavailableError."""

    def read(self, feed: UUID, after: int, limit: int) -> Sequence[Delivery]: ...

    def read_tombstones(self, feed: UUID, after: int, limit: int) -> Sequence[Delivery]:
        """As `read`, of the entries that say what the partner may no longer keep."""

    def last_tombstone(self, feed: UUID, upto: int) -> int:
        """The last one up to this number; 0 where there is none."""

    def head(self, feed: UUID) -> int:
        """The last number; 0 for a feed without entries."""

    def heads(self, feeds: Collection[UUID]) -> Mapping[UUID, int]: ...

    def told_of(self, subject_ids: Collection[UUID]) -> Sequence[Event]:
        """The subjects' facts of people.TYPES, each subject's in order."""

    def covered(self) -> Covered: ...


class FeedPage(NamedTuple):
    """`next` is what to ask after; `head` the last number of the feed; `hashes` those of the facts told of."""

    events: Sequence[CloudEvent]
    next: int
    head: int
    hashes: Sequence[bytes] = ()


class Deliveries:
    """Reads feeds and discloses them; safe from many threads. `source` names the installation, as `/relato/<name>`."""

    def __init__(
        self,
        feeds: Feeds,
        ledger: Ledger,
        filters: Filters,
        derive_id: Callable[[str, str], UUID],
        *,
        source: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.feeds, self.filters = feeds, filters
        self._ledger, self._derive_id = ledger, derive_id
        self._source, self._clock = source, clock
        self._compiled = lru_cache(1_000)(partial(usable, filters))

    def agreement(self, feed: UUID) -> Agreement:
        """Raises UnknownError."""
        return agreement_in(self._ledger, feed)

    def find(self, feed: UUID) -> Feed:
        """Raises UnknownError."""
        return self._feed(feed, self.agreement(feed))

    def as_if(self, feed: UUID, agreement: Agreement, version: int) -> Feed:
        """The feed if this version held."""
        return self._feed(feed, replace(agreement, in_force=version, suspended=False, revoked=False))

    def _feed(self, feed: UUID, agreement: Agreement) -> Feed:
        partner_id, version = agreement.partner_id, agreement.in_force
        assert partner_id is not None
        expression = agreement.terms(version).row_filter if version else None
        row_filter: RowFilter | None = self._compiled(expression) if expression else None
        has_ended, pseudonyms = is_removed(self._ledger, partner_id), self._pseudonyms(partner_id)
        return Feed(agreement, has_ended, self.filters, row_filter, self.source_of(feed), pseudonyms)

    def source_of(self, feed: UUID) -> str:
        """As its events name it."""
        return f"{self._source}/feeds/{feed}"

    def receipt(self, feed: UUID) -> Receipt:
        """What the partner has acknowledged, and whether the feed is closed."""
        stream_id = self.stream_of(feed)
        state = fold(self._ledger.load([stream_id]), {stream_id: [receipts]})[stream_id].state
        return state if isinstance(state, Receipt) else Receipt()

    def stream_of(self, feed: UUID) -> UUID:
        """Where the facts of domain.feed are; an agreement's own stream is read for each page, and stays short."""
        return feed_stream(self._derive_id, feed)

    def read(self, feed: UUID, opening: Opening, *, after: int, limit: int) -> FeedPage:
        """Of one that is ending its tombstones alone, so that numbers are missing before each.

        Raises UnknownError, FeedPositionError, FeedClosedError; ConflictError while the agreement is suspended.
        """
        found = self.find(feed)
        if found.is_ending and self.receipt(feed).closed:
            raise FeedClosedError
        if found.agreement.suspended and not found.is_ending:
            raise ConflictError("the agreement is suspended; nothing is passed on until it is resumed")
        read = self.feeds.read_tombstones if found.is_ending else self.feeds.read
        if after > (head := self.feeds.head(feed)):
            raise FeedPositionError(after=after, head=head)
        deliveries = _few_long_texts(read(feed, after, limit))  # after the head: it may go beyond, but miss nothing
        following = deliveries[-1].entry.feed_seq if deliveries else after
        hashes = [one.event.hash for one in deliveries]
        return FeedPage(self.disclosed(deliveries, found, opening), following, max(head, following), hashes)

    def hash_at(self, feed: UUID, number: int) -> bytes | None:
        """Of the fact that stands there in the feed."""
        found = self.feeds.read(feed, number - 1, 1)
        return found[0].event.hash if found else None

    def disclosed(self, deliveries: Sequence[Delivery], feed: Feed, opening: Opening) -> Sequence[CloudEvent]:
        people = people_of((one.event.subject_id for one in deliveries), self.feeds.told_of)
        return disclose(deliveries, feed, people, opening, self._clock())

    def _pseudonyms(self, partner_id: UUID) -> Callable[[UUID], UUID]:
        """Another one for each partner, so that no two can put together what they know."""
        return lambda id_: self._derive_id(f"partner {partner_id}", str(id_))


def _few_long_texts(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """The first of them, one at least, with no more long texts than are opened at once."""
    count = 0
    for n, delivery in enumerate(deliveries):
        count += long_texts_in(delivery.event)
        if n and count > MOST_CONTENTS:
            return deliveries[:n]
    return deliveries


def feed_stream(derive_id: Callable[[str, str], UUID], feed: UUID) -> UUID:
    return derive_id("feed", str(feed))


def people_of(subject_ids: Iterable[UUID], told_of: Callable[[Collection[UUID]], Sequence[Event]]) -> People:
    """What is known of the subjects now, and of those whom they were identified as or merged with."""
    people, asked, wanted = People(), set[UUID](), set(subject_ids)
    while missing := wanted - asked:
        for event in told_of(missing):
            people.learn(event)
        asked |= missing
        wanted = wanted.union(*(people.related(subject_id) for subject_id in missing))
    return people
