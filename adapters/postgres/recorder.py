"""The ledger under the `eventsourcing` library: its applications, notification logs and projections run on it.

Our own commands take the shorter way of domain/execute.py; this is for whoever brings programs written to the library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    IntegrityError,
    JSONTranscoder,
    Mapper,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.utils import strtobool
from psycopg.pq.abc import PGresult
from pydantic import ValidationError

from adapters.ids import uuid7
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.libpq import Pool
from adapters.postgres.subscription import LedgerSubscription
from adapters.postgres.wire import decode_int, decode_time, decode_uuid, encode_int8
from domain.errors import ConflictError, InvalidError, RelatoError, UnavailableError, UnknownFactError
from domain.event import Origin
from domain.fact import Fact, decode
from domain.ports import Append, KnownError, NewFact, Place, StaleError, Write

NO_LIMIT = 2**63 - 1

SELECT = "select stream_id, stream_version, type, data, position, subject_id, occurred_at from ledger.fact where "
BY_STREAM = SELECT + (
    "stream_id = $1::uuid and stream_version > $2::int8 and stream_version <= $3::int8 "
    "order by stream_version {} limit $4::int8"
)
BY_POSITION = SELECT + (
    "position > $1::int8 and position <= $2::int8 "
    "and ($3::text = '' or type = any (string_to_array($3::text, ' '))) order by position limit $4::int8"
)


class DbFunctionsError(RelatoError):
    """POSTGRES_ENABLE_DB_FUNCTIONS makes readers skip events in eventsourcing 9.5; unset it."""


class FactEvent(NamedTuple):
    """A fact at its place in a stream, by the names of the library; a domain event of it."""

    originator_id: UUID
    originator_version: int
    subject_id: UUID
    fact: Fact
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class Entry(Notification):
    """A stored fact; `id` is its position, 0 before it has one."""

    id: int = 0
    subject_id: UUID | None = None
    occurred_at: datetime | None = None


class FactMapper(Mapper[UUID]):
    """By the fact's TYPE, never by a Python path; what is personal arrives sealed and stays so."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> Entry:
        if not isinstance(domain_event, FactEvent):
            raise DataError(f"the ledger takes a FactEvent, not {type(domain_event).__name__}")
        stream_id, version, subject_id, fact, occurred_at = domain_event
        return Entry(stream_id, version, fact.TYPE, fact.encode(), 0, subject_id, occurred_at)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        assert isinstance(stored_event, Entry)
        return FactEvent(
            *_placed(stored_event), decode(stored_event.topic, stored_event.state), stored_event.occurred_at
        )


def _placed(entry: Entry) -> tuple[UUID, int, UUID]:
    if not isinstance(entry.originator_id, UUID) or entry.subject_id is None:
        raise DataError("a stream and its subject are UUIDs")
    return entry.originator_id, entry.originator_version, entry.subject_id


class LedgerRecorder(ApplicationRecorder):
    """An ApplicationRecorder over the ledger; its errors are the library's."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._ledger, self._query = PostgresLedger(dsn), Pool(dsn, most=6)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """The facts of one command, `command_id` by default a new one; the first positions when it is known already.

        Takes also `actor`, `origin`, `correlation_id`, `causation_id`, `fingerprint` and `guards`.
        """
        if not stored_events:
            return []
        write = _write(stored_events, **kwargs)
        append = Append([write], _expected(stored_events), dict(kwargs.get("guards") or {}))
        with _library_errors():
            try:
                places = self._ledger.append(append)
            except KnownError:
                places = self._recall(write)
        return [place.position for place in places]

    def _recall(self, write: Write) -> Sequence[Place]:
        found = self._ledger.find_commands([write.command_id])[write.command_id]
        if found.fingerprint != write.fingerprint:
            raise IntegrityError("the command's id was used before, with another content")
        return found.places

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Entry]:
        if isinstance(originator_id, str):
            originator_id = UUID(originator_id)
        numbers = (gt or 0, _or_all(lte), _or_all(limit))
        return self._select(
            BY_STREAM.format("desc" if desc else "asc"), originator_id.bytes, *map(encode_int8, numbers)
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int | None,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Entry]:
        after = start - inclusive_of_start if start is not None else 0
        bounds = (encode_int8(after), encode_int8(_or_all(stop)))
        return self._select(BY_POSITION, *bounds, " ".join(topics).encode(), encode_int8(_or_all(limit)))

    def max_notification_id(self) -> int | None:
        with _library_errors():
            return self._ledger.last_position() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LedgerSubscription:
        return LedgerSubscription(self, self._dsn, gt, topics)

    def close(self) -> None:
        self._ledger.close()
        self._query.close()

    def _select(self, query: str, *params: bytes) -> Sequence[Entry]:
        with _library_errors():
            return _decode(self._query(query, *params))


class LedgerApplication(Application[UUID]):
    """The library's application over the ledger of LEDGER_DSN: saves FactEvents, and reads them back by stream."""

    def construct_mapper(self) -> FactMapper:
        return FactMapper(JSONTranscoder())

    def construct_recorder(self) -> LedgerRecorder:
        if strtobool(self.env.get("POSTGRES_ENABLE_DB_FUNCTIONS") or "no"):
            raise DbFunctionsError
        return LedgerRecorder(self.env["LEDGER_DSN"])

    def close(self) -> None:
        if not self.closing.is_set():
            assert isinstance(self.recorder, LedgerRecorder)
            self.recorder.close()
        super().close()


def _or_all(limit: int | None) -> int:
    return NO_LIMIT if limit is None else limit


def _expected(entries: Sequence[StoredEvent]) -> Mapping[UUID, int]:
    """The version each stream has before; IntegrityError unless those given follow one another."""
    expected: dict[UUID, int] = {}
    versions: dict[UUID, int] = {}
    for entry in entries:
        assert isinstance(entry, Entry)
        stream_id, version, _ = _placed(entry)
        expected.setdefault(stream_id, version - 1)
        if versions.setdefault(stream_id, version - 1) != version - 1:
            raise IntegrityError("the versions of a stream must follow one another")
        versions[stream_id] = version
    return expected


def _write(
    entries: Sequence[StoredEvent],
    *,
    command_id: UUID | None = None,
    correlation_id: UUID | None = None,
    causation_id: UUID | None = None,
    actor: str = "application",
    origin: str = Origin.COMMAND,
    fingerprint: bytes = b"",
    **_: object,
) -> Write:
    command_id = command_id or uuid7()
    facts = [_new_fact(entry) for entry in entries]
    first = entries[0]
    occurred_at = (first.occurred_at if isinstance(first, Entry) else None) or datetime.now(UTC)
    print_ = fingerprint or _fingerprint(entries)
    origins = (correlation_id or command_id, causation_id or command_id)
    return Write(command_id, print_, *origins, actor, origin, occurred_at, facts)


def _new_fact(entry: StoredEvent) -> NewFact:
    if not isinstance(entry, Entry):
        raise DataError(f"the ledger takes an Entry, not {type(entry).__name__}")
    stream_id, _, subject_id = _placed(entry)
    try:
        fact = decode(entry.topic, entry.state)
    except (UnknownFactError, ValidationError) as error:
        raise DataError(f"{entry.topic}: the content is no such fact") from error
    if entry.topic != fact.TYPE:
        raise DataError(f"{entry.topic} is written no more; write {fact.TYPE}")
    return NewFact(stream_id, subject_id, fact)


def _fingerprint(entries: Sequence[StoredEvent]) -> bytes:
    parts = (f"{e.originator_id} {e.originator_version} {e.topic} {len(e.state)} ".encode() + e.state for e in entries)
    return hashlib.sha256(b"".join(parts)).digest()[:16]


def _decode(rows: PGresult) -> list[Entry]:
    entries: list[Entry] = []
    for i in range(rows.ntuples):
        stream, version, kind, data, position, subject, at = (rows.get_value(i, n) or b"" for n in range(7))
        place = (decode_uuid(stream), decode_int(version), kind.decode(), data)
        entries.append(Entry(*place, decode_int(position), decode_uuid(subject), decode_time(at)))
    return entries


@contextmanager
def _library_errors() -> Iterator[None]:
    try:
        yield
    except (StaleError, ConflictError) as error:
        raise IntegrityError(str(error)) from error
    except InvalidError as error:
        raise DataError(str(error)) from error
    except UnavailableError as error:
        raise OperationalError(str(error)) from error
