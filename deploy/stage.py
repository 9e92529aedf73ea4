"""A stream through Kafka that lasts as long as it is needed, for the demonstration."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event as Flag
from threading import Thread

import structlog

from adapters.kafka.cluster import Cluster
from adapters.postgres.status import read_progress
from deploy import kafka_parts
from deploy.settings import EMBEDDED, Settings
from deploy.wiring import Installation
from domain.errors import UnavailableError
from projections.engine.sources import Log
from streams.relay import Relay
from streams.topics import EVENTS

GLANCE_S = 0.1
RELAY_STOPS_S = 15.0


class Relayed:
    """A topic that a relay fills beside us."""

    def __init__(self, cluster: Cluster, dsn: str) -> None:
        self._cluster, self._dsn = cluster, dsn
        self._failure: BaseException | None = None

    @property
    def position(self) -> int:
        """Up to which everything is in the topic."""
        return read_progress(self._dsn).get(f"relay {EVENTS.name}", 0)

    @property
    def open_log(self) -> Callable[[], Log]:
        return partial(kafka_parts.open_log, self._cluster, self._dsn)

    def wait(self, position: int, timeout_s: float) -> None:
        """Raises what ended the relay, UnavailableError when it is late."""
        deadline = time.monotonic() + timeout_s
        while self.position < position:
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > deadline:
                raise UnavailableError("the relay is late", relayed=self.position, wanted=position)
            time.sleep(GLANCE_S)

    def relay(self, relay: Relay, stop: Flag) -> None:
        try:
            relay.run(stop)
        except BaseException as error:  # noqa: BLE001 raised where it is waited for
            self._failure = error


@contextmanager
def open_stream(settings: Settings, kafka: str) -> Iterator[Relayed]:
    """Starts the broker if it is the embedded one, and a relay in a thread; stops both at the end."""
    keep_quiet()
    settings = settings.model_copy(update={"kafka": kafka})
    broker = kafka_parts.start_broker(settings) if kafka == EMBEDDED else None
    try:
        cluster = kafka_parts.cluster_of(settings)
        kafka_parts.prepare_topics(cluster)
        with Installation(settings) as installation:
            dsn = installation.databases.ledger
            with _relaying(Relayed(cluster, dsn), kafka_parts.relay_of(settings, dsn)) as relayed:
                yield relayed
    finally:
        if broker:
            broker.stop()


@contextmanager
def _relaying(relayed: Relayed, relay: Relay) -> Iterator[Relayed]:
    stop = Flag()
    thread = Thread(target=relayed.relay, args=(relay, stop), name="relay", daemon=True)
    thread.start()
    try:
        yield relayed
    finally:
        stop.set()
        thread.join(RELAY_STOPS_S)


def keep_quiet() -> None:
    """The relay logs what it does, by default on the output, where the demonstration speaks."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logging.getLogger("kafka").setLevel(logging.ERROR)
