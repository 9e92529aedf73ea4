"""The feeds' actor: reads the ledger by position and enters each fact into the feeds that it belongs to, once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from typing import NamedTuple, Protocol
from uuid import UUID

import structlog

from domain.errors import UnavailableError
from domain.event import Event
from streams.feeds.book import Book
from streams.feeds.entries import Entry
from streams.feeds.filters import Filters
from streams.feeds.numbers import Numbers
from streams.leading import POLL_S, await_lead, go_on
from streams.relay import Page

BATCH = 1_000

_log = structlog.get_logger(__name__)


class BookmarkMovedError(UnavailableError):
    """Another actor entered facts meanwhile; this one begins anew from where that one is."""


class Written(NamedTuple):
    """What goes into the feeds together; `misfits` are the reasons why filters could not be asked, by feed.

    `begun` are feeds that are to begin with what was recorded before.
    """

    entries: Sequence[Entry]
    misfits: Mapping[UUID, Sequence[str]]
    begun: Collection[UUID] = ()


class FeedDesk(Protocol):
    """The feeds as their one writer has them, over the session that leads. Raises UnavailableError."""

    def lead(self) -> bool:
        """Whether this is the one writer now; it stays so until `close`, or until a call raises."""

    def load(self) -> int:
        """The position up to which all facts are entered."""

    def heads(self, feeds: Collection[UUID]) -> Mapping[UUID, int]:
        """The last number of each feed that has entries."""

    def read(self, after: int, limit: int, types: Collection[str]) -> Page[Event]:
        """The next facts by position, of so many those of the types."""

    def told(self, subject_ids: Collection[UUID]) -> Collection[tuple[UUID, UUID]]:
        """The feeds that have facts of the subjects, each with the subject."""

    def renewed(self) -> Collection[tuple[UUID, int, str]]:
        """Of which feed's version which types were told to have a newer form."""

    def enter(self, before: int, position: int, written: Written) -> bool:
        """Writes it and moves the bookmark, together; false, and nothing happens, when it isn't `before` any more."""

    def late(self) -> Mapping[UUID, int]:
        """The feeds that have not come as far as the others, and how far they have come."""

    def enter_late(self, feed: UUID, before: int, position: int, written: Written, *, joined: bool) -> bool:
        """As `enter`, with the bookmark of a feed that is late; `joined`, it is late no more."""

    def wait(self, timeout_s: float) -> None:
        """Until there may be more, at most so long."""

    def close(self) -> None: ...


class FeedActor:
    """Enters facts while it leads, and waits while another does."""

    def __init__(self, desk: FeedDesk, filters: Filters, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk, self._filters, self._clock = desk, filters, clock

    def run(self, stop: Flag) -> None:
        """Until `stop`; goes on by itself when the ledger was away."""
        go_on(partial(self._serve, stop), stop, _tell, clock=self._clock)

    def _serve(self, stop: Flag) -> None:
        try:
            if not await_lead(self._desk.lead, stop):
                return
            term = Term(self._desk, self._filters)
            while not stop.is_set():
                if not term.step():
                    self._desk.wait(POLL_S)
        finally:
            self._desk.close()


def _tell(error: UnavailableError, pause_s: float) -> None:
    _log.warning("feeds pause", reason=str(error), pause_s=pause_s)


class Term:
    """The time from learning what is known to the next trouble."""

    def __init__(self, desk: FeedDesk, filters: Filters) -> None:
        self._desk, self._filters = desk, filters
        self._book = Book(filters)
        self._position = desk.load()
        learn(self._book, desk, self._position)
        self._book.belated.clear()
        self._numbers = Numbers(desk.told, desk.heads(self._book.feeds))
        self._late = {feed: self._late_one(feed, position) for feed, position in desk.late().items()}
        self._tell_renewals()
        _log.info("feeds go on", after=self._position, agreements=len(self._book.feeds))

    def step(self) -> bool:
        """Enters the next facts; false when there were fewer than it could take."""
        is_full = self._step()
        for late in list(self._late.values()):
            is_full |= self._catch_up(late)
        return is_full

    def _tell_renewals(self) -> None:
        """What a newer release has brought since, before the first fact of that form."""
        told, notices = self._desk.renewed(), list[Entry]()
        for change, newest in self._book.renewals():
            if types := [type_ for type_ in sorted(newest) if (change.feed, change.version, type_) not in told]:
                notices.append(self._numbers.notice(change, self._position)._replace(types=tuple(types)))
        if notices and not self._desk.enter(self._position, self._position, Written(notices, {})):
            raise BookmarkMovedError(position=self._position)

    def _step(self) -> bool:
        page = self._desk.read(self._position, BATCH, self._book.types)
        if page.upto == self._position:
            return False
        upto, entries = self._enter_page(self._book, page, skip=self._late.keys())
        begun, self._book.belated = self._book.belated, set()
        written = Written(entries, _drained(self._book), begun)
        if not self._desk.enter(self._position, upto, written):
            raise BookmarkMovedError(position=self._position)
        is_full = upto - self._position >= BATCH or upto < page.upto
        self._position = upto
        self._late |= {feed: self._late_one(feed, 0) for feed in begun}
        return is_full

    def _late_one(self, feed: UUID, position: int) -> Late:
        """A feed that begins with what was recorded before; the version that was activated first holds for that."""
        book = Book(self._filters, only=feed)
        book.hold(self._book.first_in_force(feed))
        if position:
            learn(book, self._desk, position)
        return Late(feed, book, position)

    def _catch_up(self, late: Late) -> bool:
        """Enters more of what is before the bookmark; at the bookmark the feed joins the others."""
        page = self._desk.read(late.position, min(BATCH, self._position - late.position), late.book.types)
        upto, entries = self._enter_page(late.book, page, skip=())
        has_joined = upto == self._position
        written = Written(entries, _drained(late.book))
        if not self._desk.enter_late(late.feed, late.position, upto, written, joined=has_joined):
            raise BookmarkMovedError(feed=late.feed, position=late.position)
        late.position = upto
        if has_joined:
            del self._late[late.feed]
        return not has_joined

    def _enter_page(self, book: Book, page: Page[Event], *, skip: Collection[UUID]) -> tuple[int, Sequence[Entry]]:
        """How far it has come, and the entries of the feeds that are not to be skipped."""
        types, entries = book.types, list[Entry]()
        for event in page.rows:
            entries += self._numbers.number(event, book.take(event), entries, skip)
            if book.types is not types:  # of what comes behind, the page may lack some
                return event.position, entries
        return page.upto, entries


@dataclass(slots=True)
class Late:
    """A feed that has not come as far as the others."""

    feed: UUID
    book: Book
    position: int


def learn(book: Book, desk: FeedDesk, until: int) -> None:
    """What the ledger tells up to a position, without entering anything."""
    position, types = 0, book.types
    while position < until:
        page = desk.read(position, min(BATCH * 4, until - position), types)
        for event in page.rows:
            book.learn(event)
        position = page.upto


def _drained(book: Book) -> Mapping[UUID, Sequence[str]]:
    misfits, book.misfits = book.misfits, defaultdict(list)
    return misfits
