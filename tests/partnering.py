"""Partners' topics for tests: an installation over a broker, a worker in a thread, and what a topic tells."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from adapters.cli.installation import OpenedTopic
from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from adapters.kafka.jars import resolve_jars
from adapters.kafka.partners import Limits, credentials
from adapters.kafka.tails import TailReader
from deploy import partner_topics
from deploy.kafka_parts import cluster_of
from deploy.settings import Settings
from deploy.wiring import Databases as Wired
from deploy.wiring import Installation
from projections.disclosure import Disclosure
from streams.envelope import ROW
from streams.topics import partner_topic
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.feeding import agree, enter_all, partner, terms
from tests.kafka_fixtures import JARS, POM
from tests.relaying import await_true

NUMBERS = ("feedseq", "agreementversion")
LIMITS = Limits()


class Read(NamedTuple):
    """A record of a topic, with its event as it would stand in a page that was pulled."""

    offset: int
    event: dict[str, Any]


def event_of(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    found = {name.removeprefix("ce_"): told.decode() for name, told in headers if name != ROW}
    found["datacontenttype"] = found.pop("content-type")
    numbers = {name: int(found[name]) for name in NUMBERS}
    return {**found, **numbers, "data": json.loads(value or b"")}


def read_records(cluster: Cluster, name: str) -> list[Read]:
    """From the first one that the topic has, as an administrator."""
    reader = TailReader(cluster, partner_topic(name).name, 1, lambda _p, o, v, h: Read(o, event_of(v, h)))
    with closing(reader):
        first, end = reader.extents()[0]
        return [one for page in reader.read({0: first}, {0: end}) for one in page]


class Partnership:
    """An installation whose partner gets a topic; commands go through `backend`."""

    def __init__(self, settings: Settings, databases: Databases, backend: Backend) -> None:
        self.settings, self.backend, self.databases = settings, backend, databases
        self.installation = Installation(settings, databases=Wired(*astuple(databases)))
        self.partner_id = partner(backend)

    @property
    def cluster(self) -> Cluster:
        return cluster_of(self.settings)

    def agree(self, *shows: dict[str, Any], **more: Any) -> UUID:
        return agree(self.backend, self.partner_id, terms(*shows, **more))

    def enter(self) -> None:
        enter_all(self.databases.app)

    def add(self, name: str, agreement: UUID, *, rotate: bool = False) -> OpenedTopic:
        return partner_topics.add(self.installation, name, agreement, LIMITS, rotate=rotate)

    def remove(self, name: str, *, with_topics: bool = False) -> None:
        partner_topics.remove(self.installation, name, with_topics=with_topics)

    def pull(self, agreement: UUID, after: int = 0) -> list[dict[str, Any]]:
        opening: Disclosure = self.installation.feed_disclosure
        page = self.installation.deliveries.read(agreement, opening.open_within, after=after, limit=100_000)
        told: list[dict[str, Any]] = json.loads(json.dumps(page.events))
        return told

    def events(self, name: str) -> list[dict[str, Any]]:
        return [one.event for one in read_records(self.cluster, name)]

    def sent(self, name: str) -> int:
        found = {one.binding.name: one.sent for one in self.installation.partner_topics.list()}
        return found.get(name, 0)

    @contextmanager
    def relaying(self) -> Iterator[None]:
        """What `relato run partner-topics` does, in a thread."""
        stop, relays = threading.Event(), partner_topics.relays(self.installation)
        thread = threading.Thread(target=relays.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def await_sent(self, name: str, seq: int) -> None:
        await_true(lambda: self.sent(name) >= seq, 60)

    def close(self) -> None:
        self.installation.close()


def as_user(opened: OpenedTopic, name: str, password: str | None = None) -> Cluster:
    """How the partner comes in."""
    security = {"security_protocol": "SASL_PLAINTEXT", **credentials(name, password or opened.password or "")}
    return Cluster(opened.settings["bootstrap.servers"], security)


@contextmanager
def with_broker(databases: Databases, home: Path) -> Iterator[Partnership]:
    """And an embedded broker of its own."""
    resolve_jars(POM, JARS)
    master = new_master()
    settings = Settings(home=home, kafka="embedded", master_key=master)
    with KafkaBroker(home / "kafka", JARS), Backend.open(databases.app, databases.keys_app, master) as backend:
        shop = Partnership(settings, databases, backend)
        yield shop
        shop.close()


def librdkafka(opened: OpenedTopic, **more: object) -> dict[str, Any]:
    """The settings as they are printed."""
    return {**opened.settings, "sasl.password": opened.password, **more}
