"""The reader of partners' inbound topics: the one worker that gives what they write there to the intake, in order."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from threading import Event as Flag
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog

from domain.errors import UnavailableError
from streams.inbound.cloud import PREFIX, Headers, content_of
from streams.inbound.errors import EventFormError, QuarantineFullError, UnforeseenError
from streams.inbound.intake import Arrival, Intake, Verdict
from streams.leading import await_lead, go_on

POLL_S = 0.5
GLANCE_S = 5.0  # how often it looks whether it leads, and which topics there are
PATIENCE_S = 30.0  # how long a partner waits whose refused events fill the quarantine
LARGEST_EXCERPT = 16 * 1024  # bytes, of a record that cannot be read

_log = structlog.get_logger(__name__)


class From(NamedTuple):
    """Whose inbound topic it is, and under which agreement."""

    agreement_id: UUID
    partner_id: UUID


class Written(NamedTuple):
    """A record."""

    topic: str
    offset: int
    headers: Headers
    value: bytes | None


class Place(NamedTuple):
    """How far a topic was read; `incarnation` is another when it was made anew."""

    incarnation: str
    next_offset: int


class ReaderDesk(Protocol):
    """Where the one reader keeps how far it has come, over the session that leads. Raises UnavailableError."""

    def lead(self) -> bool:
        """Whether this is the one reader now; it stays so until `close`, or until a call raises."""

    def places(self) -> Mapping[str, Place]: ...

    def save(self, places: Mapping[str, Place]) -> None: ...

    def close(self) -> None: ...


class InboundTopics(Protocol):
    """Some topics, read from where they were read to. Raises UnavailableError."""

    @property
    def is_whole(self) -> bool:
        """Whether all of them are there."""

    def poll(self, timeout_s: float) -> Sequence[Written]:
        """Of each topic in its order."""

    def place(self, written: Written) -> Place:
        """After this record."""

    def hold_back(self, written: Written) -> None:
        """Reads the topic no further until it is let go, and then this record first."""

    def let_go(self, topic: str) -> None: ...

    def close(self) -> None: ...


class InboundReader:
    """Reads while it leads. A record whose place was not kept is read again, which the intake recognises."""

    def __init__(
        self,
        desk: ReaderDesk,
        intake: Intake,
        whose: Callable[[], Mapping[str, From]],
        open_topics: Callable[[Collection[str], Mapping[str, Place]], InboundTopics],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._intake, self._clock = desk, intake, clock
        self._whose, self._open_topics = whose, open_topics

    def run(self, stop: Flag) -> None:
        """Until `stop`; goes on by itself when the ledger or Kafka was away."""
        go_on(partial(self._serve, stop), stop, _tell, clock=self._clock)

    def _serve(self, stop: Flag) -> None:
        try:
            if await_lead(self._desk.lead, stop):
                while not stop.is_set():
                    self._read_on(stop)
        finally:
            self._desk.close()

    def _read_on(self, stop: Flag) -> None:
        """Until there are other topics."""
        whose = self._whose()
        if not whose:
            stop.wait(GLANCE_S)
            return
        topics = self._open_topics(whose.keys(), self._desk.places())
        try:
            _log.info("inbound topics are read", topics=sorted(whose))
            term = Term(self._desk, self._intake, whose, topics, self._clock)
            look_at, look_again_at = self._clock() + GLANCE_S, self._clock() + PATIENCE_S
            while not stop.is_set():
                term.step()
                if self._clock() >= look_at:
                    look_at = self._clock() + GLANCE_S
                    if self._whose() != whose or not self._desk.lead():
                        return
                    if not topics.is_whole and self._clock() >= look_again_at:
                        return
        finally:
            topics.close()


def _tell(error: UnavailableError, pause_s: float) -> None:
    _log.warning("inbound topics pause", reason=str(error), pause_s=pause_s)


class Term:
    """The time between two openings of the topics."""

    def __init__(
        self,
        desk: ReaderDesk,
        intake: Intake,
        whose: Mapping[str, From],
        topics: InboundTopics,
        clock: Callable[[], float],
    ) -> None:
        self._desk, self._intake, self._whose, self._topics, self._clock = desk, intake, whose, topics, clock
        self._held_back: dict[str, float] = {}  # until when, by topic

    def step(self) -> None:
        """Takes what has come; each topic's place is kept once its records were taken."""
        for topic in [topic for topic, until in self._held_back.items() if until <= self._clock()]:
            del self._held_back[topic]
            self._topics.let_go(topic)
        places: dict[str, Place] = {}
        for written in self._topics.poll(POLL_S):
            if written.topic not in self._held_back and self._take(written):
                places[written.topic] = self._topics.place(written)
        if places:
            self._desk.save(places)

    def _take(self, written: Written) -> bool:
        """False when it has to come again."""
        try:
            verdict = self._verdict(written)
        except QuarantineFullError as error:
            _log.warning("an inbound topic waits", topic=written.topic, reason=str(error))
            self._held_back[written.topic] = self._clock() + PATIENCE_S
            self._topics.hold_back(written)
            return False
        if verdict.error is not None:
            code = verdict.error.code()
            _log.info("inbound event refused", topic=written.topic, offset=written.offset, code=code)
        return True

    def _verdict(self, written: Written) -> Verdict:
        agreement_id, partner_id = self._whose[written.topic]
        arrival = Arrival(agreement_id, partner_id, str(partner_id), excerpt_of(written), self._intake.clock())
        try:
            arrival = arrival._replace(content=content_of(written.headers, written.value))
            return self._intake.take(arrival)
        except EventFormError as error:
            return self._intake.refuse(arrival, error)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 the loop's edge: one event must not stop all that follow
            name = type(error).__name__  # and no more: its text may hold what the partner wrote
            _log.warning("unforeseen in an inbound event", topic=written.topic, offset=written.offset, error=name)
            return self._intake.refuse(arrival, UnforeseenError(error=name))


def excerpt_of(written: Written) -> Mapping[str, Any]:
    """What is kept of a record that is no event: the name it may have, and the beginning of what it holds."""
    named = {name.lower(): part for name, part in written.headers if part is not None and len(part) <= LARGEST_EXCERPT}
    texts = {name: named[PREFIX + name].decode(errors="replace") for name in ("id", "source", "type")
             if PREFIX + name in named}  # fmt: skip
    begins = base64.b64encode((written.value or b"")[:LARGEST_EXCERPT]).decode()
    return {**texts, "unreadable": begins, "bytes": len(written.value or b"")}
