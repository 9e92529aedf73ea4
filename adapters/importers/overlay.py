"""A ledger that answers like the one below it, and keeps what is appended to itself: for trying things out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from adapters.ids import uuid7
from domain.event import Event, partition_of
from domain.ports import Append, Found, Ledger, NewFact, Place, StaleError, Write


class OverlayLedger(Ledger):
    """Nothing reaches the ledger below; places are counted from 1. Not for several callers at once."""

    def __init__(self, below: Ledger) -> None:
        self._below = below
        self._streams: dict[UUID, list[Event]] = {}
        self._commands: dict[UUID, Found] = {}
        self._appended = 0

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        del timeout_s  # memory answers at once
        for stream_id, version in {**append.guards, **append.expected}.items():
            if (own := self._streams.get(stream_id)) and own[-1].stream_version != version:
                raise StaleError
        versions = dict(append.expected)
        return [place for write in append.writes for place in self._keep(write, versions)]

    def _keep(self, write: Write, versions: dict[UUID, int]) -> list[Place]:
        places = []
        for new in write.facts:
            self._appended += 1
            versions[new.stream_id] += 1
            event = _event(new, write, self._appended, versions[new.stream_id])
            self._streams.setdefault(new.stream_id, []).append(event)
            places.append(Place(event.position, event.partition, event.partition_seq))
        self._commands[write.command_id] = Found(
            write.fingerprint, places, {new.stream_id: versions[new.stream_id] for new in write.facts}
        )
        return places

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        above = [event for stream_id in stream_ids for event in self._streams.get(stream_id, ())]
        return [*self._below.load(stream_ids), *above]

    def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]:
        above = {command_id: found for command_id in command_ids if (found := self._commands.get(command_id))}
        return {**self._below.find_commands(command_ids), **above}


def _event(new: NewFact, write: Write, position: int, version: int) -> Event:
    return Event(
        position=position,
        partition=partition_of(new.subject_id),
        partition_seq=position,
        stream_id=new.stream_id,
        stream_version=version,
        subject_id=new.subject_id,
        subject_seq=position,
        event_id=uuid7(),
        command_id=write.command_id,
        correlation_id=write.correlation_id,
        causation_id=write.causation_id,
        occurred_at=write.occurred_at,
        recorded_at=datetime.now(UTC),
        type=new.fact.TYPE,
        actor=write.actor,
        origin=write.origin,
        data=b"",
        fingerprint=write.fingerprint,
        hash=b"",
        _fact=new.fact,
    )
