"""Partners' feeds in memory: what the actor writes and what deliveries read, over a ledger in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from adapters.memory.ledger import MemoryLedger
from domain.event import Event
from streams.feeds import people
from streams.feeds.actor import Written
from streams.feeds.delivery import Covered
from streams.feeds.disclosing import Delivery
from streams.feeds.entries import Entry
from streams.relay import Page


class MemoryDesk:
    """A FeedDesk, and what deliveries need besides."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger, self.entries = ledger, list[Entry]()
        self.misfits: dict[UUID, list[str]] = {}
        self._bookmark = 0
        self._late: dict[UUID, int] = {}

    def lead(self) -> bool:
        return True

    def load(self) -> int:
        return self._bookmark

    def late(self) -> Mapping[UUID, int]:
        return dict(self._late)

    def heads(self, feeds: Collection[UUID]) -> Mapping[UUID, int]:
        return {feed: self.head(feed) for feed in feeds}

    def head(self, feed: UUID) -> int:
        return sum(1 for entry in self.entries if entry.feed == feed)

    def told(self, subject_ids: Collection[UUID]) -> Collection[tuple[UUID, UUID]]:
        facts = ((one.feed, one.subject_id) for one in self.entries if one.is_fact)
        return {(feed, subject_id) for feed, subject_id in facts if subject_id in subject_ids}  # type: ignore[misc]  # a fact has one

    def renewed(self) -> Collection[tuple[UUID, int, str]]:
        notices = (one for one in self.entries if one.before is not None)
        return {(one.feed, one.version, type_) for one in notices for type_ in one.types}

    def last_tombstone(self, feed: UUID, upto: int) -> int:
        tombstones = (one for one in self.entries if one.feed == feed and one.reason and one.feed_seq <= upto)
        return max((one.feed_seq for one in tombstones), default=0)

    def is_late(self, feed: UUID) -> bool:
        return feed in self._late

    def enter(self, before: int, position: int, written: Written) -> bool:
        if self._bookmark != before:
            return False
        self._bookmark = position
        self._late |= dict.fromkeys(written.begun, 0)
        self._write(written)
        return True

    def enter_late(self, feed: UUID, before: int, position: int, written: Written, *, joined: bool) -> bool:
        if self._late.get(feed) != before:
            return False
        self._late[feed] = position
        if joined:
            del self._late[feed]
        self._write(written)
        return True

    def _write(self, written: Written) -> None:
        for entry in written.entries:
            assert entry.feed_seq == self.head(entry.feed) + 1
            self.entries.append(entry)
        for feed, reasons in written.misfits.items():
            self.misfits.setdefault(feed, []).extend(reasons)

    def told_of(self, subject_ids: Collection[UUID]) -> Sequence[Event]:
        events = self.ledger.read(0, self.ledger.last_position())
        return [event for event in events if event.subject_id in subject_ids and event.type in people.TYPES]

    def covered(self) -> Covered:
        return Covered(self._bookmark, None)

    def read(self, after: int, limit: int, types: Collection[str]) -> Page[Event]:
        page = self.ledger.read(after, limit)
        kept = [event for event in page if event.type in types or event is page[-1]]
        return Page(kept, page[-1].position if page else after)

    def read_of(self, types: Collection[str], after: int, limit: int) -> Page[Event]:
        return self.read(after, limit, types)

    def deliveries(self, feed: UUID, after: int = 0, limit: int = 10_000) -> Sequence[Delivery]:
        found = [entry for entry in self.entries if entry.feed == feed and entry.feed_seq > after][:limit]
        return [Delivery(entry, self.ledger.read(entry.position - 1, 1)[0]) for entry in found]

    def wait(self, timeout_s: float) -> None: ...

    def close(self) -> None: ...
