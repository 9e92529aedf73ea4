"""The end of feeds: they tell tombstones alone until these are acknowledged, then every way to them is closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from threading import Event as Flag
from typing import Protocol
from uuid import UUID

import structlog

from domain.access.commands import RevokeKey
from domain.access.facts import AccessId
from domain.agreement.facts import AgreementId
from domain.decider import Command
from domain.errors import RelatoError, UnavailableError
from domain.event import Event, Origin
from domain.execute import Context, Executor
from domain.feed.commands import CloseFeed
from domain.feed.facts import Closing, FeedId
from streams.feeds.delivery import Covered, feed_stream
from streams.feeds.endings import TYPES, Cause, Ended, Endings
from streams.leading import await_lead, go_on
from streams.relay import Page

NAME = "feed endings"
BATCH = 4_000
LOOK_S = 1.0
AGAIN_S = 5.0  # before a feed of which nothing new was said is looked at again

_log = structlog.get_logger(__name__)


class Door(Protocol):
    """A way by which a partner is told, or comes in, beside HTTP with its keys."""

    def close(self, feed: UUID, partner_id: UUID) -> None:
        """For good, for this feed; done again, it changes nothing. Raises UnavailableError."""


class Facts(Protocol):
    """The ledger, over the session that leads. Raises UnavailableError."""

    def lead(self) -> bool: ...
    def read_of(self, types: Collection[str], after: int, limit: int) -> Page[Event]: ...
    def close(self) -> None: ...


class Told(Protocol):
    """What feeds hold. Raises UnavailableError."""

    def covered(self) -> Covered: ...
    def is_late(self, feed: UUID) -> bool: ...

    def last_tombstone(self, feed: UUID, upto: int) -> int:
        """The last one up to this number; 0 where there is none."""


LAST = 2**63 - 1


class FeedCloser:
    """Closes feeds once each, while it leads. A crash repeats what was not recorded, which changes nothing."""

    def __init__(
        self,
        facts: Facts,
        told: Told,
        executor: Executor,
        derive_id: Callable[[str, str], UUID],
        *,
        patience: timedelta,
        clock: Callable[[], datetime],
        doors: Sequence[Door] = (),
    ) -> None:
        self._facts, self._told, self._executor, self._derive_id = facts, told, executor, derive_id
        self._patience, self._clock, self._doors = patience, clock, doors

    def run(self, stop: Flag) -> None:
        """Until `stop`; goes on by itself when the ledger was away."""
        go_on(partial(self._serve, stop), stop, _tell)

    def _serve(self, stop: Flag) -> None:
        try:
            if not await_lead(self._facts.lead, stop):
                return
            term = Term(self._facts, self)
            while not stop.is_set():
                term.step()
                stop.wait(LOOK_S)
        finally:
            self._facts.close()

    def due(self, ended: Ended) -> Closing | None:
        """Why the feed is to be closed now; None where its partner has something to do, and time for it."""
        if self._told.covered().position < ended.cause.position or self._told.is_late(ended.feed):
            return None
        last = self._told.last_tombstone(ended.feed, LAST)
        if ended.acknowledged >= last:
            return Closing.ACKNOWLEDGED if last else Closing.UNTOLD
        return Closing.DEADLINE if self._clock() >= ended.cause.at + self._patience else None

    def close(self, ended: Ended, reason: Closing) -> None:
        """The fact comes last: what a crash leaves half done is begun anew."""
        for door in self._doors:
            door.close(ended.feed, ended.partner_id)
        feed_id = FeedId(feed_stream(self._derive_id, ended.feed))
        self.give(CloseFeed(feed_id=feed_id, agreement_id=AgreementId(ended.feed), reason=reason), ended.cause,
                  f"close {ended.feed}")  # fmt: skip
        _log.info("feed closed", feed=str(ended.feed), reason=reason.value)

    def revoke(self, access_id: UUID, key_hash: str, cause: Cause) -> None:
        self.give(RevokeKey(access_id=AccessId(access_id), hash=key_hash), cause, f"revoke {access_id} {key_hash}")

    def give(self, command: Command, cause: Cause, what: str) -> None:
        """Once, however often it is given."""
        command_id = self._derive_id(NAME, f"{cause.event_id} {what}")
        self._executor.execute(command, Context(command_id, cause.actor, Origin.REACTOR, causation_id=cause.event_id,
                                                correlation_id=cause.correlation_id))  # fmt: skip


class Term:
    """The time from learning what has ended to the next trouble."""

    def __init__(self, facts: Facts, closer: FeedCloser, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._facts, self._closer, self._clock = facts, closer, clock
        self._endings, self._position = Endings(), 0
        self._left: dict[UUID, tuple[Ended, float]] = {}  # what was known of an open feed, and until when that will do

    def step(self) -> None:
        """Learns all there is, closes what is due, then revokes the keys that open nothing any more."""
        self._learn()
        for ended in list(self._endings.open()):
            known, until = self._left.get(ended.feed, (None, 0.0))
            if ended != known or self._clock() >= until:
                self._left[ended.feed] = ended, self._clock() + AGAIN_S
                self._close(ended)
        self._learn()
        for access_id, key_hash, cause in list(self._endings.idle()):
            self._closer.revoke(access_id, key_hash, cause)

    def _close(self, ended: Ended) -> None:
        """One that cannot be closed now keeps no other from it."""
        try:
            if reason := self._closer.due(ended):
                self._closer.close(ended, reason)
        except RelatoError as error:
            _log.warning("feed not closed yet", feed=str(ended.feed), reason=str(error))

    def _learn(self) -> None:
        while (page := self._facts.read_of(TYPES, self._position, BATCH)).upto > self._position:
            for event in page.rows:
                if event.type in TYPES:  # the page's last fact may be another
                    self._endings.learn(event)
            self._position = page.upto


def _tell(error: UnavailableError, pause_s: float) -> None:
    _log.warning("feed closing pauses", reason=str(error), pause_s=pause_s)
