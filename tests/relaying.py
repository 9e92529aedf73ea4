"""A relay that runs beside a test, facts to publish, and what a topic holds."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self
from uuid import UUID

from adapters.ids import uuid7
from adapters.kafka.cluster import Cluster
from adapters.kafka.tails import TailReader
from adapters.kafka.topic import KafkaTopic
from adapters.postgres.lane import PostgresLane
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.share_lane import ShareLane
from domain.canonical import row_hash
from domain.customer.facts import NeedNoted
from domain.event import Event
from domain.ports import Append, NewFact, Write
from domain.ticket.facts import TicketClosed
from streams.departments import DEPARTMENTS
from streams.envelope import Outgoing, decode, identify
from streams.relay import Relay
from streams.shares import Share, decode_share, encoder_of, identify_share
from streams.tails import Held
from streams.topics import TopicSpec
from tests.contracts.ledger_contract import AT

SOURCE = "/relato/test"
MARKETING = DEPARTMENTS["marketing"]


def append(ledger: PostgresLedger, facts: int, *, subjects: Sequence[UUID] = (), group: int = 100) -> None:
    """New streams of these subjects, or of as many new ones."""
    while facts > 0:
        writes = [_write(random.choice(subjects) if subjects else None) for _ in range(min(group, facts))]
        ledger.append(Append(writes, {write.facts[0].stream_id: 0 for write in writes}))
        facts -= group


def _write(subject: UUID | None) -> Write:
    stream, command = uuid7(), uuid7()
    need = NeedNoted(need="naïve\n" + "n" * random.randrange(300))
    fact = NewFact(stream, subject or stream, random.choice([need, need, TicketClosed(outcome="solved")]))
    return Write(command, os.urandom(16), command, command, 'user:"Zoë"\t\\', "command", AT, [fact])


def lane_of(dsn: str, spec: TopicSpec) -> PostgresLane[Outgoing]:
    return PostgresLane(dsn, topic=spec.name, source=SOURCE, record=Outgoing)


def share_lane_of(dsn: str, spec: TopicSpec) -> ShareLane[Outgoing]:
    """Marketing's."""
    encode = encoder_of(MARKETING, SOURCE)
    return ShareLane(dsn, topic=spec.name, types=MARKETING.stored_types, partitions=spec.partitions, encode=encode)


class CountingTopic(KafkaTopic[Held]):
    """Counts how often it is opened: once more after each trouble."""

    opened = 0

    def open(self) -> None:
        super().open()
        self.opened += 1


class Relaying:
    """A relay in a thread; leaving it stops it and raises what ended it."""

    def __init__(
        self,
        dsn: str,
        cluster: Cluster,
        spec: TopicSpec,
        *,
        topic: CountingTopic | None = None,
        is_share: bool = False,
        **settings: Any,
    ) -> None:
        self.topic = topic or CountingTopic(
            cluster, spec, identify=identify_share if is_share else identify, is_dense=not is_share, **settings
        )
        make = share_lane_of if is_share else lane_of
        self.lane, self.watcher = make(dsn, spec), make(dsn, spec)
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            Relay(self.lane, self.topic).run(self._stop)
        except BaseException as error:  # noqa: BLE001 the test asks for it
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.error:
            raise self.error

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        self.watcher.close()
        assert not self._thread.is_alive()

    def await_position(self, position: int, timeout_s: float = 120) -> None:
        await_true(lambda: self.error is not None or self.watcher.load() >= position, timeout_s)

    def await_error(self, timeout_s: float = 60) -> BaseException:
        self._thread.join(timeout_s)
        assert self.error is not None, "the relay goes on"
        error, self.error = self.error, None
        return error


def await_true(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


def read_topic(cluster: Cluster, spec: TopicSpec) -> dict[int, list[Event]]:
    """All events of each partition, in the order of their offsets."""
    reader = TailReader(cluster, spec.name, spec.partitions, lambda p, o, v, h: decode(p, o, b"\0" * 16, v, h))
    try:
        extents = reader.extents()
        found: dict[int, list[Event]] = {p: [] for p in extents}
        for events in reader.read(dict.fromkeys(extents, 0), {p: end for p, (_, end) in extents.items()}):
            found[events[0].partition] += events
        return found
    finally:
        reader.close()


def read_shares(cluster: Cluster, spec: TopicSpec) -> dict[int, list[Share]]:
    reader = TailReader(cluster, spec.name, spec.partitions, lambda p, o, v, h: decode_share(p, o, b"\0" * 16, v, h))
    try:
        extents = reader.extents()
        found: dict[int, list[Share]] = {p: [] for p in extents}
        for shares in reader.read(
            {p: first for p, (first, _) in extents.items()}, {p: e for p, (_, e) in extents.items()}
        ):
            found[shares[0].partition] += shares
        return found
    finally:
        reader.close()


def assert_no_share_missing(cluster: Cluster, spec: TopicSpec, ledger: PostgresLedger) -> int:
    """Taking each record that names the one before it one has what marketing follows; answers how many are repeats."""
    wanted = {p: list[UUID]() for p in range(spec.partitions)}
    for event in ledger.read(0, 1_000_000):
        if MARKETING.follows(event):
            wanted[event.partition % spec.partitions].append(event.event_id)
    topic = read_shares(cluster, spec)
    for partition, shares in topic.items():
        taken = list[Share]()
        for share in shares:
            if share.previous == (taken[-1].position if taken else 0):
                taken.append(share)
        assert [share.event_id for share in taken] == wanted[partition], f"partition {partition}"
    return sum(map(len, topic.values())) - sum(map(len, wanted.values()))


def assert_no_hole(cluster: Cluster, spec: TopicSpec, ledger: PostgresLedger) -> int:
    """Counting on from 1 in each partition one meets every row of the ledger; answers how many records are repeats."""
    topic = read_topic(cluster, spec)
    heads: Mapping[int, int] = ledger.partition_heads()
    hashes = {(e.partition, e.partition_seq): e.hash for e in ledger.read(0, 1_000_000)}
    for partition, events in topic.items():
        head = 0
        for event in events:
            assert hashes[partition, event.partition_seq] == event.hash
            head += event.partition_seq == head + 1
        assert head == heads.get(partition, 0), f"partition {partition}"
    return sum(map(len, topic.values())) - len(hashes)


def assert_whole(events: Sequence[Event]) -> None:
    assert all(row_hash(event) == event.hash for event in events)
