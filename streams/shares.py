"""A department's share of the ledger as Kafka records: CloudEvents of what it follows, each naming the one before it.

Positions grow along a partition but most are other departments', so the record names the position of the one sent
before: who reads one whose `previous` isn't the last that they have, has missed something; whose position isn't
beyond it, has it already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import from_json, to_json

from domain.event import Event
from projections.facts import revived
from streams.departments import Department, newest
from streams.envelope import ROW, Headers, MalformedRecordError, Outgoing, headers_of, timestamp_of, told_of
from streams.tails import Held

Encode = Callable[[Event, int, int], Outgoing]  # an event, its partition, and the position sent before it there


class Share(NamedTuple):
    """A fact as a department's topic tells it; sealed values are sealed still."""

    partition: int
    position: int
    previous: int
    event_id: UUID
    type: str
    subject_id: UUID
    stream_id: UUID
    stream_version: int
    subject_seq: int
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    origin: str
    content: Mapping[str, Any]


def encoder_of(department: Department, source: str) -> Encode:
    """`source` names the installation, as `/relato/<name>`."""

    def encode(event: Event, partition: int, previous: int) -> Outgoing:
        # neither fingerprint nor hash: what is left out could be guessed, and the guess tried against them
        row = {"position": event.position, "previous": previous, **told_of(event)}
        value = to_json(department.share_of(event)) if department.narrows(event) else event.data
        headers = headers_of(event, newest(event.type), source, row)
        place = (event.position, partition, event.position)
        return Outgoing(*place, event.subject_id.bytes, value, headers, timestamp_of(event))

    return encode


def decode_share(partition: int, offset: int, key: bytes | None, value: bytes | None, headers: Headers) -> Share:
    """Raises MalformedRecordError."""
    try:
        named = dict(headers)
        place = from_json(named[ROW])
        return Share(
            partition=partition,
            position=place["position"],
            previous=place["previous"],
            event_id=UUID(named["ce_id"].decode()),
            type=named["ce_type"].decode(),
            subject_id=UUID(bytes=key),
            stream_id=UUID(place["stream_id"]),
            stream_version=place["stream_version"],
            subject_seq=place["subject_seq"],
            command_id=UUID(place["command_id"]),
            correlation_id=UUID(place["correlation_id"]),
            causation_id=UUID(place["causation_id"]),
            occurred_at=datetime.fromisoformat(named["ce_time"].decode()),
            recorded_at=datetime.fromisoformat(place["recorded_at"]),
            actor=place["actor"],
            origin=place["origin"],
            content=revived(named["ce_type"].decode(), from_json(value or b"")),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error


def identify_share(partition: int, offset: int, _value: bytes | None, headers: Headers) -> Held:
    """What a record says of its row, without the rest; raises MalformedRecordError."""
    try:
        named = dict(headers)
        place = from_json(named[ROW])
        event_id = UUID(named["ce_id"].decode()).bytes
        return Held(partition, offset, place["position"], place["position"], event_id, place["previous"])
    except (KeyError, ValueError, TypeError) as error:
        raise MalformedRecordError(partition=partition, offset=offset) from error
