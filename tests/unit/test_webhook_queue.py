"""The webhooks' worker over fakes: what it remembers, when, and what it makes of a part that is away or broken."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.agreement.facts import AgreementId
from domain.endpoint.decider import Endpoint, Numbered
from domain.endpoint.facts import EndpointAdded, EndpointEnabled, EndpointRemoved
from domain.errors import ConflictError, SecretLostError, UnavailableError
from domain.event import Event, Origin
from domain.fact import Fact
from streams.feeds.delivery import FeedPage, FeedPositionError
from streams.relay import Page
from streams.webhooks import queue, schedule, worker
from streams.webhooks.desk import Errand, Noted, Standing, Tools
from streams.webhooks.messages import Message
from streams.webhooks.schedule import Answer
from streams.webhooks.worker import OvertakenError, Term, WebhookWorker

HERE, FEED = UUID(int=1), AgreementId(UUID(int=2))
ENDPOINT = Endpoint(FEED, "https://partner.example/", secrets=(Numbered(1),), begun=1)
ADDED = EndpointAdded(agreement_id=FEED, url=ENDPOINT.url)


class FakeDesk:
    """Keeps what is noted, as one transaction does."""

    def __init__(self) -> None:
        self.facts: list[Event] = []
        self.kept: dict[UUID, Standing] = {}
        self.position = 0
        self.asked: list[Errand] = []
        self.outcomes: dict[int, str] = {}
        self.noted: list[Noted] = []
        self.is_away = False

    def lead(self) -> bool:
        return True

    def load(self) -> int:
        return self.position

    def standings(self) -> Sequence[Standing]:
        return list(self.kept.values())

    def read(self, after: int, limit: int, types: Collection[str]) -> Page[Event]:
        if self.is_away:
            raise UnavailableError
        rows = [event for event in self.facts if event.position > after and event.type in types][:limit]
        return Page(rows, max(after, len(self.facts)))

    def note(self, before: int, noted: Noted) -> bool:
        if before != self.position:
            return False
        self.position = noted.position
        self.noted.append(noted)
        self.kept |= {one.endpoint_id: one for one in noted.standings}
        for endpoint_id in noted.removed:
            self.kept.pop(endpoint_id, None)
        self.outcomes |= {step.number: step.outcome for step in noted.steps if step.outcome}
        return True

    def errands(self) -> Sequence[Errand]:
        return [errand for errand in self.asked if errand.number not in self.outcomes]

    def tidy(self) -> None: ...

    def close(self) -> None: ...


class FakeWorld:
    """A feed, an endpoint's state, and a line that answers what it is told to."""

    def __init__(self) -> None:
        self.desk, self.endpoint = FakeDesk(), ENDPOINT
        self.head, self.sent = 0, list[int | str]()
        self.answers: Callable[[], Answer] = lambda: Answer(204)
        self.read: Callable[[int, int], FeedPage] = self._read
        self.disabled: list[str] = []
        self.is_lost = False

    def tell(self, fact: Fact) -> None:
        n = len(self.desk.facts) + 1
        at, one = datetime.now(UTC), UUID(int=n)
        ids = (one, one, one, one)
        self.desk.facts.append(
            Event(n, 0, n, HERE, n, HERE, n, *ids, at, at, fact.TYPE, "x", Origin.COMMAND, b"", b"", b"", fact)
        )

    def _read(self, after: int, limit: int) -> FeedPage:
        events = [{"feedseq": n, "data": {}} for n in range(after + 1, min(self.head, after + limit) + 1)]
        return FeedPage(events, events[-1]["feedseq"] if events else after, self.head)  # type: ignore[arg-type]

    def _disable(self, _: UUID, __: Endpoint, reason: str) -> None:
        self.disabled.append(reason)

    def _sign(self, message: Message) -> Mapping[str, str]:
        if self.is_lost:
            raise SecretLostError(endpoint=HERE)
        return {"id": message.id}

    def tools(self) -> Tools:
        world = self

        class Line:
            async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
                del url, body
                world.sent.append(headers["id"].rpartition("_")[2])
                await asyncio.sleep(0)
                return world.answers()

            async def close(self) -> None: ...

        class News:
            async def wait(self, feed: UUID, after: int, timeout_s: float) -> None:
                del feed, timeout_s
                while world.head <= after:  # noqa: ASYNC110 the test's own thread moves it
                    await asyncio.sleep(0.005)

        class Threads:
            async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
                return function(*args, **kwargs)

        return Tools(
            read=lambda _, after, limit: self.read(after, limit),
            sign=lambda _, __, message, ___: self._sign(message),
            disable=self._disable,
            find=lambda ids: dict.fromkeys(ids, self.endpoint),
            open_line=Line,
            open_news=News,
            threads=Threads(),
            clock=lambda: datetime.now(UTC),
            draw=lambda: 0.0,
            source="/relato/test",
        )

    def run_until(self, condition: Callable[[], bool]) -> None:
        """A worker's term, in a thread."""
        stop, failures = threading.Event(), list[BaseException]()

        def run() -> None:
            try:
                WebhookWorker(self.desk, self.tools()).run(stop)
            except BaseException as error:  # noqa: BLE001 raised below
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        deadline = time.monotonic() + 20
        while not condition() and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        stop.set()
        thread.join()
        if failures:
            raise failures[0]
        assert condition()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> FakeWorld:
    monkeypatch.setattr(schedule, "PAUSES_S", (0.01,) * 9)
    monkeypatch.setattr(queue, "PAUSE_S", 0.01)
    monkeypatch.setattr(queue, "SUSPENDED_S", 0.01)
    monkeypatch.setattr(worker, "WRITE_S", 0.005)
    world = FakeWorld()
    world.tell(ADDED)
    return world


def test_what_was_taken_is_remembered_with_the_position_and_the_log(world: FakeWorld) -> None:
    world.head = 250
    world.run_until(lambda: len(world.sent) == 250)
    assert world.sent == [str(n) for n in range(1, 251)]
    assert world.desk.kept == {HERE: Standing(HERE, FEED, 250)}
    assert (world.desk.position, sum(len(noted.attempts) for noted in world.desk.noted)) == (1, 250)


def test_who_begins_anew_goes_on_behind_what_was_noted(world: FakeWorld) -> None:
    world.head = 3
    world.run_until(lambda: len(world.sent) == 3)
    world.desk.kept[HERE] = world.desk.kept[HERE]._replace(taken=2)  # killed before the third was noted
    world.run_until(lambda: len(world.sent) == 4)
    assert world.sent == ["1", "2", "3", "3"]


def test_who_was_overtaken_does_not_overwrite_what_the_other_noted(world: FakeWorld) -> None:
    world.head = 1
    world.desk.read = lambda after, *_: Page([], after + 1)  # type: ignore[method-assign]
    world.desk.load = lambda: 7  # type: ignore[method-assign]
    with pytest.raises(OvertakenError):
        asyncio.run(Term(world.desk, world.tools()).run(threading.Event()))
    assert world.desk.noted == []


def test_an_event_that_cannot_be_made_counts_as_a_failure_of_its_endpoint(world: FakeWorld) -> None:
    def broken(*_: int) -> FeedPage:
        raise KeyError("whatever")

    world.read = broken
    world.run_until(lambda: world.disabled != [])
    assert world.disabled[0].endswith("it could not be made: KeyError")
    assert world.desk.kept[HERE].sends is False


def test_what_was_read_is_sent_for_a_moment_only_and_then_read_anew(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "FRESH", timedelta(0))
    asked: list[tuple[int, int]] = []

    def read(after: int, limit: int) -> FeedPage:
        asked.append((after, limit))
        return world._read(after, limit)

    world.read, world.head = read, 4
    world.run_until(lambda: len(world.sent) == 4)
    assert asked[:3] == [(0, queue.PAGE), (1, 1), (2, 2)]
    world.desk.asked.append(Errand(1, HERE, 1, 3))
    world.run_until(lambda: world.desk.outcomes == {1: "taken: all"})
    assert world.sent[4:] == ["1", "2", "3"]


def test_an_errand_that_cannot_be_done_says_so_and_is_no_failure_of_the_endpoint(world: FakeWorld) -> None:
    world.head = 3
    world.run_until(lambda: len(world.sent) == 3)

    def broken(after: int, limit: int) -> FeedPage:
        if after == 0:
            raise KeyError("whatever")
        return world._read(after, limit)

    world.read = broken
    world.desk.asked.append(Errand(1, HERE, 1, 3))
    world.run_until(lambda: world.desk.outcomes == {1: "not taken: it could not be made: KeyError"})
    assert world.desk.kept[HERE] == Standing(HERE, FEED, 3)


def test_a_part_of_ours_that_is_away_is_no_failure_of_the_endpoint(world: FakeWorld) -> None:
    turns: list[int] = []

    def away(after: int, limit: int) -> FeedPage:
        turns.append(after)
        if len(turns) < 20:
            raise UnavailableError
        return world._read(after, limit)

    world.read, world.head = away, 1
    world.run_until(lambda: len(world.sent) == 1)
    assert world.desk.kept[HERE].health == schedule.WELL


def test_a_suspended_agreement_is_no_failure_either(world: FakeWorld) -> None:
    turns: list[int] = []

    def suspended(after: int, limit: int) -> FeedPage:
        turns.append(after)
        if len(turns) < 5:
            raise ConflictError
        return world._read(after, limit)

    world.read, world.head = suspended, 1
    world.run_until(lambda: len(world.sent) == 1)
    assert world.desk.kept[HERE].health == schedule.WELL


def test_who_is_said_to_have_more_than_there_is_waits_and_is_told_why(world: FakeWorld) -> None:
    world.desk.kept[HERE] = Standing(HERE, FEED, 5)

    def read(after: int, limit: int) -> FeedPage:
        if after > world.head:
            raise FeedPositionError(after=after, head=world.head)
        return world._read(after, limit)

    world.read, world.head = read, 2
    world.run_until(lambda: world.desk.kept[HERE].health.reason.endswith("after 5, head 2."))
    assert world.desk.kept[HERE].health.failures == 0
    world.head = 6
    world.run_until(lambda: world.sent == ["6"])
    assert world.desk.kept[HERE] == Standing(HERE, FEED, 6)


def test_without_its_secret_an_endpoint_waits_says_so_and_goes_on_by_itself(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "SECRET_S", 0.01)
    world.head, world.is_lost = 1, True
    world.desk.asked.append(Errand(1, HERE))
    world.run_until(lambda: 1 in world.desk.outcomes and world.desk.kept[HERE].lacks != "")
    told = "not taken: The key database lost a webhook's secret"
    assert world.desk.outcomes[1].startswith(told)
    assert world.desk.kept[HERE]._replace(lacks="") == Standing(HERE, FEED, 0)
    assert (world.sent, world.disabled) == ([], [])
    world.is_lost = False
    world.run_until(lambda: world.desk.kept[HERE] == Standing(HERE, FEED, 1))


def test_enabling_ends_the_wait_for_the_next_attempt(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "PAUSES_S", (3_600.0,) * 9)
    world.head, world.answers = 1, lambda: Answer(500)
    world.run_until(lambda: len(world.sent) == 1)
    assert world.desk.kept[HERE].health.failures == 1
    world.run_until(lambda: True)
    assert len(world.sent) == 1
    world.answers = lambda: Answer(200)
    world.tell(EndpointEnabled())
    world.run_until(lambda: len(world.sent) == 2)
    assert world.desk.kept[HERE] == Standing(HERE, FEED, 1)


def test_what_was_removed_is_forgotten(world: FakeWorld) -> None:
    world.head = 1
    world.run_until(lambda: len(world.sent) == 1)
    world.endpoint = replace(ENDPOINT, removed=True)
    world.tell(EndpointRemoved())
    world.head = 2
    world.run_until(lambda: world.desk.kept == {})
    assert world.desk.position == 2


def test_an_errand_is_done_once_also_while_the_endpoint_waits_or_is_disabled(world: FakeWorld) -> None:
    world.head = 5
    world.run_until(lambda: len(world.sent) == 5)
    world.endpoint = replace(ENDPOINT, enabled=False)
    world.tell(EndpointEnabled())
    world.desk.asked += [Errand(1, HERE), Errand(2, HERE, 2, 4), Errand(3, HERE, 5, 9)]
    world.run_until(lambda: len(world.desk.outcomes) == 3)
    assert world.sent[5:] == ["1", "2", "3", "4"]
    assert world.desk.outcomes == {
        1: "taken: answered 204",
        2: "taken: all",
        3: "not taken: it has come to 5 only",
    }
    assert world.desk.kept[HERE].sends is False
