"""A relay for every partner's topic: they come and go, and one that fails leaves the others alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

import pytest

from domain.errors import RelatoError, UnavailableError
from streams.feeds import topics
from streams.feeds.topics import Binding, Forgetting, Forgotten, PartnerTopics
from streams.relay import Relay

OLARIA, LUZ = (Binding(name, UUID(int=n), UUID(int=9)) for n, name in enumerate(("olaria", "luz"), 1))


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GLANCE_S", "FIRST_PAUSE_S", "LONGEST_PAUSE_S"):
        monkeypatch.setattr(topics, name, 0.01)


class Relays:
    """Which topics are bound, which are relayed now, and which fail."""

    def __init__(self, *bound: Binding) -> None:
        self.bound, self.running = set(bound), set[str]()
        self.failing: set[str] = set()
        self.begun: list[str] = []
        self.is_away = False

    def bindings(self) -> set[Binding]:
        if self.is_away:
            raise UnavailableError
        return set(self.bound)

    def relay_of(self, binding: Binding) -> Relay:
        return cast("Relay", FakeRelay(self, binding.name))


class FakeRelay:
    def __init__(self, relays: Relays, name: str) -> None:
        self._relays, self._name = relays, name

    def run(self, stop: threading.Event) -> None:
        self._relays.begun.append(self._name)
        if self._name in self._relays.failing:
            raise RelatoError("the topic disagrees")
        self._relays.running.add(self._name)
        stop.wait()
        self._relays.running.discard(self._name)


@contextmanager
def run(relays: Relays) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=PartnerTopics(relays.bindings, relays.relay_of).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_topic_that_is_opened_is_relayed_and_one_that_is_closed_no_more() -> None:
    relays = Relays(OLARIA)
    with run(relays):
        eventually(lambda: relays.running == {"olaria"})
        relays.bound = {LUZ}
        eventually(lambda: relays.running == {"luz"})
    assert relays.running == set()


def test_a_topic_that_carries_another_feed_now_is_begun_anew() -> None:
    relays = Relays(OLARIA)
    with run(relays):
        eventually(lambda: relays.begun == ["olaria"])
        relays.bound = {OLARIA._replace(feed=UUID(int=3))}
        eventually(lambda: relays.begun == ["olaria", "olaria"] and relays.running == {"olaria"})


def test_one_that_fails_is_tried_again_and_the_others_go_on() -> None:
    relays = Relays(OLARIA, LUZ)
    relays.failing = {"olaria"}
    with run(relays):
        eventually(lambda: relays.begun.count("olaria") > 2 and relays.running == {"luz"})
        relays.failing = set()
        eventually(lambda: relays.running == {"luz", "olaria"})
    assert relays.begun.count("luz") == 1


def test_while_nobody_can_say_which_there_are_all_go_on() -> None:
    relays = Relays(OLARIA)
    with run(relays):
        eventually(lambda: relays.running == {"olaria"})
        relays.is_away = True
        time.sleep(0.05)
        assert relays.running == {"olaria"}


class Lane:
    """With one tombstone, about what stands up to 3."""

    def __init__(self) -> None:
        self.due: Forgotten | None = Forgotten(5, 3)

    def to_forget(self) -> Forgotten | None:
        return self.due

    def forgot(self, forgotten: Forgotten) -> None:
        assert forgotten == self.due
        self.due = None


class Topic:
    name = "crm.partner.olaria.v1"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.is_away = False

    def flush(self, _timeout_s: float) -> None:
        if self.is_away:
            raise UnavailableError
        self.done.append("flush")

    def forget(self, through: int) -> None:
        self.done.append(f"forget {through}")


def test_what_is_in_flight_is_awaited_before_the_topic_forgets_and_it_does_so_once() -> None:
    lane, topic = Lane(), Topic()
    forgetting = Forgetting(lane, cast("topics.ForgettingTopic", topic))
    forgetting()
    forgetting()
    assert topic.done == ["flush", "forget 3"]


def test_what_could_not_be_forgotten_is_due_still() -> None:
    lane, topic = Lane(), Topic()
    topic.is_away = True
    with pytest.raises(UnavailableError):
        Forgetting(lane, cast("topics.ForgettingTopic", topic))()
    assert lane.due is not None
