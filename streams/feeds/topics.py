"""Partners' topics: which feed each carries, a relay for every one, and what a topic must not hold any longer."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID

import structlog

from domain.errors import UnavailableError
from streams.relay import FLUSH_S, Relay, Topic

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
GLANCE_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 60.0
END_S = 30.0

_log = structlog.get_logger(__name__)


class Binding(NamedTuple):
    """The topic of this name carries the feed of an agreement with this partner."""

    name: str
    feed: UUID
    partner: UUID


class Forgotten(NamedTuple):
    """By the tombstones up to a number of the feed, what stands up to `through` must go from its topic."""

    tombstone: int
    through: int


class ForgettingLane(Protocol):
    """A feed's lane, that knows its tombstones. Raises UnavailableError."""

    def to_forget(self) -> Forgotten | None:
        """By those that were not carried out since it leads."""

    def forgot(self, forgotten: Forgotten) -> None:
        """They are carried out."""


class ForgettingTopic(Topic, Protocol):
    """A topic whose first records can be deleted."""

    def forget(self, through: int) -> None:
        """Deletes all up to the last record whose sequence is not beyond this one. Raises UnavailableError."""


class Forgetting:
    """Deletes from the topic what tombstones are about, while the lane leads.

    Nothing is kept of what was done: who leads anew looks at all tombstones again, and mostly finds nothing to do.
    """

    def __init__(self, lane: ForgettingLane, topic: ForgettingTopic) -> None:
        self._lane, self._topic = lane, topic

    def __call__(self) -> None:
        if (due := self._lane.to_forget()) is None:
            return
        self._topic.flush(FLUSH_S)  # what was sent before the tombstone was known lies in the topic, then
        self._topic.forget(due.through)
        self._lane.forgot(due)
        _log.info("topic forgot", topic=self._topic.name, through=due.through, tombstone=due.tombstone)


class Running:
    """A relay in a thread of its own. One that fails is told, and begins anew after a pause: the others go on."""

    def __init__(self, name: str, make: Callable[[], Relay]) -> None:
        self._name, self._make, self._stop = name, make, threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"topic of {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                self._make().run(self._stop)
            except Exception as error:  # noqa: BLE001 one partner's trouble is not the others'
                _log.error("partner topic stands", name=self._name, reason=str(error) or repr(error), pause_s=pause_s)
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


class PartnerTopics:
    """Relays all topics there are; what is opened or closed meanwhile is seen a second later."""

    def __init__(self, bindings: Callable[[], Collection[Binding]], relay_of: Callable[[Binding], Relay]) -> None:
        self._bindings, self._relay_of = bindings, relay_of
        self._running: dict[Binding, Running] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; goes on by itself when the ledger or Kafka was away."""
        try:
            while not stop.is_set():
                self._look()
                stop.wait(GLANCE_S)
        finally:
            self._end(list(self._running))

    def _look(self) -> None:
        try:
            wanted = set(self._bindings())
        except UnavailableError as error:
            _log.warning("partner topics cannot be asked for", reason=str(error))
            return
        self._end([binding for binding in self._running if binding not in wanted])
        for binding in sorted(wanted - self._running.keys()):
            self._running[binding] = Running(binding.name, partial(self._relay_of, binding))

    def _end(self, bindings: Collection[Binding]) -> None:
        ending = [self._running.pop(binding) for binding in bindings]
        deadline = time.monotonic() + END_S
        for running in ending:
            running.stop()
        for running in ending:
            running.join(max(0.0, deadline - time.monotonic()))
