"""Departments' topics filled without a ledger, the windows' worker that reads them, and what it tells."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from kafka import KafkaProducer
from pydantic_core import from_json

from adapters.ids import uuid7
from adapters.kafka.admin import ensure_topics
from adapters.kafka.cluster import Cluster
from adapters.kafka.following import Following
from adapters.kafka.live_topics import Sight
from deploy import streams
from deploy.settings import Settings
from domain.event import Event, Origin
from domain.fact import Fact
from streams.departments import DEPARTMENTS
from streams.shares import encoder_of
from streams.topics import ALERTS, SCREENS, SHARES
from streams.windows.alerts import Told
from tests.relaying import await_true

SOURCE = "/relato/test"
TOPICS = (*SHARES.values(), ALERTS, SCREENS)


class Relayed:
    """Facts on their way as a relay sends them: in order, each naming the one before."""

    def __init__(self, cluster: Cluster) -> None:
        ensure_topics(cluster, TOPICS)
        self._producer: Any = KafkaProducer(**cluster.settings(), linger_ms=5, acks="all")
        self._encode = {name: encoder_of(DEPARTMENTS[name], SOURCE) for name in ("sales", "support")}
        self._position = 0
        self._previous: dict[tuple[str, int], int] = {}

    def tell(
        self, fact: Fact, stream: UUID | None = None, *, ago: timedelta = timedelta(), origin: Origin = Origin.COMMAND
    ) -> UUID:
        """To the departments that follow it; answers the stream."""
        self._position += 1
        stream, at = stream or uuid7(), datetime.now(UTC) - ago
        one, two, three, four = (uuid7() for _ in range(4))
        event = Event(
            *(self._position, stream.int % 64, self._position, stream, 1, stream, 1, one, two, three, four, at, at),
            *(fact.TYPE, "user:x", origin, fact.encode(), b"", b"", fact),
        )
        for name, encode in self._encode.items():
            if DEPARTMENTS[name].follows(event):
                self._send(name, event, encode)
        return stream

    def _send(self, name: str, event: Event, encode: Callable[..., Any]) -> None:
        partition = event.partition % SHARES[name].partitions
        previous = self._previous.get((name, partition), 0)
        row = encode(event, partition, previous)
        self._previous[name, partition] = event.position
        placed = {"partition": partition, "key": row.key, "value": row.value, "headers": row.headers}
        self._producer.send(SHARES[name].name, **placed)

    def flush(self) -> None:
        self._producer.flush(30)

    def close(self) -> None:
        self._producer.close(5)


class Leads:
    """Alone."""

    def holds(self) -> bool:
        return True

    def close(self) -> None: ...


@contextmanager
def watched(cluster: Cluster, home: Path, name: str, **settings: Any) -> Iterator[Settings]:
    """A watched worker of an installation of this name."""
    given = {"home": home, "kafka": cluster.servers, "installation": name, **settings}
    made, stop = Settings(**given), threading.Event()
    more = {f"RELATO_{key.upper()}": str(value) for key, value in given.items()}
    before = {key: os.environ.get(key) for key in more}
    os.environ.update(more)
    arguments = (cluster, streams.group_of(made), made, Leads(), stop)
    thread = threading.Thread(target=streams.watch, args=arguments)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(30)
        for key, value in before.items():
            os.environ.pop(key)
            os.environ.update({key: value} if value else {})
        assert not thread.is_alive()
        assert not workers()


def workers() -> Sequence[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.is_running() and "--worker" in _words(child)]


def _words(process: psutil.Process) -> Sequence[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return ()


def await_worker(other_than: int = 0, timeout_s: float = 60) -> psutil.Process:
    await_true(lambda: any(worker.pid != other_than for worker in workers()), timeout_s)
    return workers()[0]


class Seen:
    """What the alerts' and the screens' topics hold."""

    def __init__(self, cluster: Cluster) -> None:
        self._following, self._sight = Following(cluster, (ALERTS, SCREENS)), Sight()

    def look(self) -> Sight:
        for found in self._following.poll(0.2):
            self._sight.take(found)
        return self._sight

    def alerts(self) -> Sequence[Told]:
        return [noted.told for noted in self.look().alerts]

    def rows(self, window: str) -> Mapping[str, Any]:
        rows = {key: row for key, row in self.look().rows.items() if key.startswith(f"{window}/")}
        return {key: from_json(row) for key, row in rows.items()}

    def close(self) -> None:
        self._following.close()
