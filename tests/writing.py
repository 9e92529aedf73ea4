"""A partner that writes to its inbound topic, and a reader over a backend."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from kafka import KafkaProducer

from adapters.kafka.cluster import Cluster
from adapters.kafka.inbound import KafkaInbound
from adapters.postgres.feeds import PostgresFeeds
from adapters.postgres.inbound_desk import PostgresReaderDesk
from adapters.postgres.inbound_told import PostgresTold
from adapters.postgres.quarantine import PostgresQuarantine
from streams.inbound.intake import Intake
from streams.inbound.reader import From, InboundReader
from tests.backend import Backend
from tests.conftest import Databases

STRUCTURED = [("content-type", b"application/cloudevents+json")]
Headers = Sequence[tuple[str, bytes]]


def binary(content: Mapping[str, Any]) -> tuple[Headers, bytes]:
    """A record's headers and value."""
    headers = [(f"ce_{name}", str(part).encode()) for name, part in content.items() if name != "data"]
    return headers, json.dumps(content["data"]).encode()


def structured(content: Any) -> tuple[Headers, bytes]:
    return STRUCTURED, json.dumps(content).encode()


def write(cluster: Cluster, topic: str, *records: tuple[Headers, bytes | None], **settings: Any) -> None:
    producer = KafkaProducer(**cluster.settings(), metrics_enabled=False, **settings)
    try:
        for headers, value in records:
            producer.send(topic, key=b"any", value=value, headers=list(headers), partition=0)
        producer.flush(30)
    finally:
        producer.close()


@dataclass
class Taking:
    """The parts of a reader, over databases."""

    databases: Databases
    backend: Backend
    intake: Intake

    @classmethod
    @contextmanager
    def over(cls, databases: Databases, backend: Backend) -> Iterator[Taking]:
        with ExitStack() as stack:
            feeds = PostgresFeeds(databases.app)
            told = PostgresTold(databases.app, backend.ledger, feeds)
            quarantine = PostgresQuarantine(databases.app)
            for part in (feeds, told, quarantine):
                stack.callback(part.close)
            intake = Intake(backend.executor, backend.vault, told, quarantine, clock=lambda: datetime.now(UTC))
            yield cls(databases, backend, intake)

    @contextmanager
    def reading(self, cluster: Cluster, whose: Mapping[str, tuple[UUID, UUID]]) -> Iterator[None]:
        """As long as it lasts; `whose` are agreement and partner, by topic."""
        named = {topic: From(*ids) for topic, ids in whose.items()}
        desk = PostgresReaderDesk(self.databases.app)
        reader = InboundReader(desk, self.intake, lambda: named, partial(KafkaInbound, cluster))
        stop = threading.Event()
        thread = threading.Thread(target=reader.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
