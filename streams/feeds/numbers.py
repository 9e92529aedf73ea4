"""The numbers of a feed's entries, and which entries a fact makes: itself, tombstones, notices of change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from uuid import UUID

from domain.event import Event
from streams.feeds.book import Noted
from streams.feeds.entries import Change, Entry, Forget

Told = Callable[[Collection[UUID]], Collection[tuple[UUID, UUID]]]
"""The feeds that have facts of the subjects, each with the subject."""


class Numbers:
    """The entries' numbers, without gaps in each feed."""

    def __init__(self, told: Told, heads: Mapping[UUID, int]) -> None:
        self._told, self._heads = told, dict(heads)

    def number(self, event: Event, noted: Noted, pending: Sequence[Entry], skip: Collection[UUID]) -> Iterator[Entry]:
        for feed, version, products in noted.matches:
            if feed not in skip:
                yield Entry(feed, self._next(feed), event.position, version, event.subject_id, products)
        for following in noted.follows:
            if following.feed in skip:
                continue
            if isinstance(following, Change):
                yield self.notice(following, event.position)
            else:
                yield from self._tombstones(following, event.position, pending)

    def notice(self, change: Change, position: int) -> Entry:
        return Entry(change.feed, self._next(change.feed), position, change.version, before=change.before)

    def _tombstones(self, forget: Forget, position: int, pending: Sequence[Entry]) -> Iterator[Entry]:
        for subject_id in self._concerned(forget, pending):
            number = self._next(forget.feed)
            yield Entry(forget.feed, number, position, forget.version, subject_id,
                        reason=forget.reason, types=forget.types)  # fmt: skip

    def _next(self, feed: UUID) -> int:
        number = self._heads.get(feed, 0) + 1
        self._heads[feed] = number
        return number

    def _concerned(self, forget: Forget, pending: Sequence[Entry]) -> Sequence[UUID | None]:
        """Those of the subjects that the feed has facts of; None for a tombstone that is about no subject."""
        if not forget.subject_ids:
            return [None] if self._heads.get(forget.feed) else []
        entered = ((one.feed, one.subject_id) for one in pending if one.is_fact)
        told = {*self._told(forget.subject_ids), *entered}
        return sorted(one for one in forget.subject_ids if (forget.feed, one) in told)
