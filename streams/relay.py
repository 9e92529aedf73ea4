"""Publishes rows of one gapless order to a topic: no hole, in order, by one relay at a time.

What a relay sends is only ever the ledger's. So whatever a crash, a failed send or a relay that was taken for dead
leaves in the topic, sending on from the last sequence that is there in order makes it whole; the rest are repeats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event as Stop
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog

from domain.errors import RelatoError, UnavailableError
from streams.envelope import Outgoing
from streams.leading import POLL_S, await_lead, go_on
from streams.tails import Held, Records, find_heads

BATCH = 2000  # each read waits for its turn beside kafka-python's sending thread
SAVE_EVERY_S = 0.5
FLUSH_S = 10.0

_log = structlog.get_logger(__name__)


class TopicDisagreesError(RelatoError):
    """The topic holds what the ledger doesn't: the ledger was restored to an earlier point, or is another one.

    Nothing more is sent. Bring the ledger to where it was; or let this ledger be the truth, `relato republish` the
    topic, and rebuild what was read from it.
    """


class PositionMovedError(UnavailableError):
    """The relay's position was changed by another; it reads the topic back."""


R = TypeVar("R")


class Page(NamedTuple, Generic[R]):
    """What a topic takes of the rows up to a position; no more than were asked for have been read."""

    rows: Sequence[R]
    upto: int


class Lane(Protocol):
    """Rows in one order, numbered in each partition, and how far they are published, as seen by who leads.

    Raises UnavailableError, also when the lead was lost.
    """

    def lead(self) -> bool:
        """Whether this is the one relay of the lane now; it stays so until `close`, or until a call raises."""

    def load(self) -> int:
        """The position up to which everything is in the topic, acknowledged."""

    def save(self, before: int, position: int) -> bool:
        """Moves the position; false when it isn't `before` any more."""

    def reset(self) -> None:
        """Puts the position back to 0, by anyone."""

    def begin(self, heads: Mapping[int, int]) -> int:
        """The position after which to read, when the topic has each partition up to these sequences, in order."""

    def read(self, after: int, limit: int) -> Page[Outgoing]:
        """In order, after what was read last, or after where it began."""

    def find(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, bytes]]:
        """Position and hash of the rows that exist at these (partition, seq)."""

    def sequences_at(self, position: int) -> Mapping[int, int]:
        """The last sequence in each partition at or before this position."""

    def wait(self, timeout_s: float) -> None:
        """Until there may be more, at most so long."""

    def close(self) -> None: ...


class Topic(Records, Protocol):
    """A topic that is written.

    Raises UnavailableError, also when a record was not acknowledged: what was sent after it may be there or not, and
    the topic must be opened anew.
    """

    @property
    def name(self) -> str: ...

    def open(self) -> None:
        """Raises RelatoError when the topic isn't there, or isn't as it must be."""

    def send(self, row: Outgoing, timeout_s: float) -> bool:
        """False when too much is in flight for so long; then it was not sent."""

    def oldest_unacknowledged(self) -> int | None:
        """The position of the first row sent that may not be there yet."""

    def flush(self, timeout_s: float) -> None: ...

    def close(self) -> None:
        """At once, whatever is in flight."""


def nothing_else() -> None:
    """What most relays do beside."""


class Relay:
    """Publishes a lane to a topic while it leads, and waits while another does; `beside` is done after each page."""

    def __init__(
        self,
        lane: Lane,
        topic: Topic,
        *,
        beside: Callable[[], None] = nothing_else,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lane, self._topic, self._beside, self._clock = lane, topic, beside, clock

    def run(self, stop: Stop) -> None:
        """Until `stop`; goes on by itself when the ledger or Kafka was away.

        Raises TopicDisagreesError, and what `Topic.open` raises.
        """
        go_on(partial(self._serve, stop), stop, self._tell, clock=self._clock)

    def _tell(self, error: UnavailableError, pause_s: float) -> None:
        _log.warning("relay pauses", topic=self._topic.name, reason=str(error), pause_s=pause_s)

    def _serve(self, stop: Stop) -> None:
        try:
            if not await_lead(self._lane.lead, stop):
                return
            self._topic.open()
            Term(self._lane, self._topic, stop, self._clock, self._beside).publish()
        finally:
            self._topic.close()
            self._lane.close()


class Term:
    """The time from reading the topic back to the next trouble."""

    def __init__(
        self,
        lane: Lane,
        topic: Topic,
        stop: Stop,
        clock: Callable[[], float] = time.monotonic,
        beside: Callable[[], None] = nothing_else,
    ) -> None:
        self._lane, self._topic, self._stop, self._clock, self._beside = lane, topic, stop, clock, beside
        self._saved = lane.load()
        self._due = 0.0

    def publish(self) -> None:
        """Until the stop; then what was sent is acknowledged and its position saved."""
        self._heads = find_heads(self._topic, self._saved, self._compare, self._lane.sequences_at)
        after = self._lane.begin(self._heads)
        _log.info("relay publishes", topic=self._topic.name, after=after)
        while not self._stop.is_set():
            after = self._publish_next(after)
        self._topic.flush(FLUSH_S)
        self._save(after)

    def _compare(self, read: Sequence[Held]) -> None:
        rows = self._lane.find([(held.partition, held.seq) for held in read])
        for held in read:
            if rows.get((held.partition, held.seq)) != (held.position, held.hash):
                place = {"topic": self._topic.name, "partition": held.partition, "offset": held.offset}
                raise TopicDisagreesError(**place, sequence=held.seq, position=held.position)

    def _publish_next(self, began: int) -> int:
        after = began
        page = self._lane.read(began, BATCH)  # over the session that leads: who lost the lead sends no more
        for row in page.rows:
            if row.seq > self._heads.get(row.partition, 0):
                while not self._topic.send(row, POLL_S):
                    if self._stop.is_set():
                        return after
                self._heads[row.partition] = row.seq
            after = row.position
        self._note(page.upto)
        self._beside()
        if page.upto < began + BATCH:  # what was appended since has called already
            self._lane.wait(POLL_S)
        return page.upto

    def _note(self, after: int) -> None:
        oldest = self._topic.oldest_unacknowledged()
        if self._clock() >= self._due:
            self._save(after if oldest is None else oldest - 1)
            self._due = self._clock() + SAVE_EVERY_S

    def _save(self, position: int) -> None:
        stands = self._lane.save(self._saved, position) if position != self._saved else self._lane.load() == position
        if not stands:
            raise PositionMovedError(topic=self._topic.name)
        self._saved = position


def republish(lane: Lane, recreate: Callable[[], None]) -> None:
    """Empties the topic; the relay that runs, or the next one, publishes everything again from the first row on."""
    recreate()
    lane.reset()
