"""What a partner would have been told of a past period under a version of an agreement, from the ledger itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.agreement.decider import Agreement
from domain.event import Event
from domain.ports import EventLog
from streams.feeds.book import Book
from streams.feeds.disclosing import Delivery
from streams.feeds.entries import Entry, Match
from streams.feeds.filters import Filters

PAGE = 1_000
NO_AGREEMENT = UUID(int=0)


class Period(NamedTuple):
    """Of when it occurred; without an end, it has none."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, event: Event) -> bool:
        return (self.since is None or self.since <= event.occurred_at) and (
            self.until is None or event.occurred_at < self.until
        )


class Preview:
    """Runs through the ledger once; `misfits` tells why the row filter could not be asked about some facts, and
    `unpermitted` how many of the period are of customers without the consent that is needed.
    """

    def __init__(self, feed: UUID, agreement: Agreement, version: int, filters: Filters, period: Period) -> None:
        self._period, self._last = period, 0
        self._book = Book(filters, only=NO_AGREEMENT)
        kept = self._book.compiled(feed, version, agreement)
        whenever = kept.terms.model_copy(update={"valid_from": None, "valid_until": None})
        self._book.hold(replace(kept, terms=whenever))
        self._feed, self.unpermitted = feed, 0

    @property
    def misfits(self) -> Sequence[str]:
        return self._book.misfits.get(self._feed, ())

    def deliveries(self, log: EventLog) -> Iterator[Sequence[Delivery]]:
        """Page by page of the ledger, numbered as in a feed that begins with them."""
        after = 0
        while page := log.read(after, PAGE):
            wanted = (event for event in page if event.type in self._book.types)
            yield [self._delivery(match, event) for event in wanted for match in self._matches(event)]
            after = page[-1].position

    def _matches(self, event: Event) -> Sequence[Match]:
        before, noted = self._book.unpermitted[self._feed], self._book.take(event)
        if not self._period.holds(event):
            return ()
        self.unpermitted += self._book.unpermitted[self._feed] - before
        return noted.matches

    def _delivery(self, match: Match, event: Event) -> Delivery:
        self._last += 1
        entry = Entry(match.feed, self._last, event.position, match.version, event.subject_id, match.products)
        return Delivery(entry, event)
