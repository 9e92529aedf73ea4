"""A ledger in memory; it passes the same contract suite as PostgreSQL's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from uuid import UUID

from adapters.ids import uuid7
from domain.canonical import row_hash
from domain.errors import ConflictError
from domain.event import Event, partition_of
from domain.ports import Append, By, Found, KnownError, Ledger, NewFact, Place, StaleError, Write


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryLedger(Ledger):
    """Facts in lists, by position, stream, subject, partition and command."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock, self._lock = clock, Lock()
        self._events: list[Event] = []
        self._streams: dict[UUID, list[Event]] = {}
        self._subjects: dict[UUID, list[Event]] = {}
        self._partitions: dict[int, list[Event]] = {}
        self._commands: dict[UUID, list[Event]] = {}

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        del timeout_s  # memory answers at once
        with self._lock:
            self._check(append)
            recorded_at = max([self._clock()] + [e.recorded_at for e in self._events[-1:]])
            return [self._add(fact, write, recorded_at) for write in append.writes for fact in write.facts]

    def _check(self, append: Append) -> None:
        if any(write.command_id in self._commands for write in append.writes):
            raise KnownError
        for stream_id, version in [*append.expected.items(), *append.guards.items()]:
            if len(self._streams.get(stream_id, ())) != version:
                raise StaleError(stream=stream_id)
        for fact in (fact for write in append.writes for fact in write.facts):
            stream = self._streams.get(fact.stream_id)
            if fact.stream_id not in append.expected or (stream and stream[0].subject_id != fact.subject_id):
                raise ConflictError("the stream is not expected, or belongs to another subject", stream=fact.stream_id)

    def _add(self, new: NewFact, write: Write, recorded_at: datetime) -> Place:
        partition, data = partition_of(new.subject_id), new.data
        stream = self._streams.setdefault(new.stream_id, [])
        subject = self._subjects.setdefault(new.subject_id, [])
        lane = self._partitions.setdefault(partition, [])
        event = Event(
            position=len(self._events) + 1,
            partition=partition,
            partition_seq=len(lane) + 1,
            stream_id=new.stream_id,
            stream_version=len(stream) + 1,
            subject_id=new.subject_id,
            subject_seq=len(subject) + 1,
            event_id=uuid7(),
            command_id=write.command_id,
            correlation_id=write.correlation_id,
            causation_id=write.causation_id,
            occurred_at=write.occurred_at,
            recorded_at=recorded_at,
            type=new.fact.TYPE,
            actor=write.actor,
            origin=write.origin,
            data=data,
            fingerprint=write.fingerprint,
            hash=b"",
        )
        event.hash = row_hash(event)
        for events in (self._events, stream, subject, lane, self._commands.setdefault(write.command_id, [])):
            events.append(event)
        return Place(event.position, partition, event.partition_seq)

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        with self._lock:
            return [event for stream_id in stream_ids for event in self._streams.get(stream_id, ())]

    def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]:
        with self._lock:
            found = {c: events for c in command_ids if (events := self._commands.get(c))}
        return {command_id: _found(events) for command_id, events in found.items()}

    def read(self, after: int, limit: int) -> Sequence[Event]:
        return self._events[after : after + limit]

    def read_partition(self, partition: int, after: int, limit: int) -> Sequence[Event]:
        return self._partitions.get(partition, [])[after : after + limit]

    def read_subject(self, subject_id: UUID, after: int, limit: int) -> Sequence[Event]:
        return self._subjects.get(subject_id, [])[after : after + limit]

    def select_subject(
        self, subject_id: UUID, after: int, limit: int, types: Collection[str] | None, by: By
    ) -> Sequence[Event]:
        found = self._seen(subject_id, by)
        return [one for one in found if one.subject_seq > after and (types is None or one.type in types)][:limit]

    def count_others(self, subject_id: UUID, types: Collection[str], by: By) -> int:
        return sum(event.type not in types for event in self._seen(subject_id, by))

    def _seen(self, subject_id: UUID, by: By) -> Sequence[Event]:
        return [
            event
            for event in self._subjects.get(subject_id, [])
            if (by.known_at is None or event.recorded_at <= by.known_at)
            and (by.as_of is None or event.occurred_at <= by.as_of)
        ]

    def last_position(self) -> int:
        return len(self._events)

    def partition_heads(self) -> Mapping[int, int]:
        return {partition: len(events) for partition, events in self._partitions.items()}


def _found(events: Sequence[Event]) -> Found:
    places = [Place(event.position, event.partition, event.partition_seq) for event in events]
    return Found(events[0].fingerprint, places, {event.stream_id: event.stream_version for event in events})
