"""Four programs of one partner's, each following the same feed in its own way, whatever is killed on our side."""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from kafka import KafkaConsumer, TopicPartition

from adapters.kafka.cluster import Cluster
from tests.partnering import event_of
from tests.receiving import Receiver

Event = Mapping[str, Any]
PAUSE_S, PATIENCE_S = 0.2, 20.0


class Follower(threading.Thread):
    """Keeps each entry as it was first heard, by its number. What comes again is dropped, a gap is a failure."""

    name: str

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self.url, self.headers = url, {"Authorization": f"Bearer {key}"}
        self.heard: list[Event] = []
        self.failure: BaseException | None = None
        self.stopping = threading.Event()

    @property
    def last(self) -> int:
        return len(self.heard)

    def take(self, event: Event) -> None:
        if event["feedseq"] > self.last:
            assert event["feedseq"] == self.last + 1, f"{self.name}: {event['feedseq']} after {self.last}"
            self.heard.append(event)

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.survive()
        except BaseException as error:  # noqa: BLE001 raised by `stop`
            self.failure = error

    def survive(self) -> None:
        """The API is away now and then."""
        try:
            with httpx.Client(headers=self.headers, timeout=PATIENCE_S) as client:
                self.follow(client)
        except httpx.HTTPError:
            self.stopping.wait(PAUSE_S)

    @abstractmethod
    def follow(self, client: httpx.Client) -> None:
        """Some of what there is."""

    def stop(self) -> None:
        self.stopping.set()
        self.join(2 * PATIENCE_S)
        assert not self.is_alive(), self.name
        if self.failure:
            raise self.failure


class Puller(Follower):
    name = "pull"

    def follow(self, client: httpx.Client) -> None:
        for event in pull(client, self.url, self.last, wait=1):
            self.take(event)


class Streamer(Follower):
    name = "stream"

    def follow(self, client: httpx.Client) -> None:
        asked = {"Accept": "text/event-stream", "Last-Event-ID": str(self.last)}
        with client.stream("GET", self.url, headers=asked) as answer:
            for line in answer.raise_for_status().iter_lines():
                if line.startswith("data: "):
                    self.take(json.loads(line.removeprefix("data: ")))
                if self.stopping.is_set():
                    return


class Hooked(Follower):
    """Reads what a receiver was sent."""

    name = "webhook"

    def __init__(self, url: str, key: str, receiver: Receiver) -> None:
        super().__init__(url, key)
        self._receiver, self._read = receiver, 0

    def follow(self, client: httpx.Client) -> None:  # noqa: ARG002 a Follower's
        came = self._receiver.heard[self._read :]
        for one in came:
            self.take(one.event)
        self._read += len(came)
        self.stopping.wait(PAUSE_S)


class Subscribed(Follower):
    """What was deleted from the topic before it was read is read by pull, as partners are told to."""

    name = "Kafka"

    def __init__(self, url: str, key: str, cluster: Cluster, topic: str) -> None:
        super().__init__(url, key)
        self._consumer: Any = KafkaConsumer(
            **cluster.settings(), enable_auto_commit=False, auto_offset_reset="earliest", metrics_enabled=False
        )
        self._consumer.assign([TopicPartition(topic, 0)])
        self._consumer.seek_to_beginning()
        self._behind: list[Event] = []
        self.pulled = 0

    def follow(self, client: httpx.Client) -> None:
        if not self._behind:
            found = self._consumer.poll(timeout_ms=200)
            self._behind = [event_of(one.value, one.headers) for records in found.values() for one in records]
        while self._behind:
            self._fill(client, self._behind[0]["feedseq"])
            self.take(self._behind.pop(0))

    def _fill(self, client: httpx.Client, number: int) -> None:
        while self.last + 1 < number:
            for event in pull(client, self.url, self.last, limit=number - 1 - self.last):
                self.take(event)
                self.pulled += 1

    def stop(self) -> None:
        super().stop()
        self._consumer.close(timeout_ms=1000)


def pull(client: httpx.Client, url: str, after: int, *, wait: int = 0, limit: int = 1_000) -> Sequence[Event]:
    """Raises httpx.HTTPError while the API is away."""
    asked = {"after": after, "limit": min(limit, 1_000), "wait": wait}
    told: Sequence[Event] = client.get(url, params=asked).raise_for_status().json()["events"]
    return told


def pull_all(url: str, key: str) -> list[Event]:
    """The feed as it reads now."""
    found: list[Event] = []
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S) as client:
        while events := pull(client, url, len(found)):
            found += events
    return found


@contextmanager
def following(followers: Sequence[Follower]) -> Iterator[None]:
    """At the end all of them are stopped, and what one of them failed with is raised."""
    for one in followers:
        one.start()
    try:
        yield
    finally:
        for one in followers:
            one.stopping.set()
    for one in followers:
        one.stop()
