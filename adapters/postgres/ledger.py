"""The ledger in PostgreSQL: one table, one order, appended by one function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import UUID

from adapters.postgres.group_commit import GroupCommit, Numbers, Watch
from adapters.postgres.libpq import Pool
from adapters.postgres.wire import (
    EVENT_COLUMNS,
    EncodedAppend,
    decode_events,
    decode_int,
    decode_uuid,
    encode_int8,
    encode_texts,
    encode_uuids,
)
from domain.event import Event, partition_of
from domain.ports import Append, By, Found, Place

SELECT = f"select {EVENT_COLUMNS} from ledger.fact where "
BY_STREAM = SELECT + "stream_id = $1::uuid order by stream_version"
BY_STREAMS = SELECT + "stream_id = any ($1::uuid[]) order by stream_id, stream_version"
BY_POSITION = SELECT + "position > $1::int8 order by position limit $2::int8"
BY_PARTITION = SELECT + "partition = $1::int8::int2 and partition_seq > $2::int8 order by partition_seq limit $3::int8"
BY_SUBJECT = SELECT + "subject_id = $1::uuid and subject_seq > $2::int8 order by subject_seq limit $3::int8"
BY_SUBJECT_SEEN = (
    SELECT + "subject_id = $1::uuid and subject_seq > $2::int8 and recorded_at <= $4::text::timestamptz "
    "and occurred_at <= $5::text::timestamptz {} order by subject_seq limit $3::int8"
)
COUNT_OTHERS = (
    "select count(*) from ledger.fact where subject_id = $1::uuid and not type = any ($2::text[]) "
    "and recorded_at <= $3::text::timestamptz and occurred_at <= $4::text::timestamptz"
)
BY_COMMANDS = (
    "select command_id, fingerprint, stream_id, stream_version, position, partition, partition_seq from ledger.fact "
    "where command_id = any ($1::uuid[]) order by position"
)
LAST_POSITION = "select coalesce(max(position), 0) from ledger.fact"
PARTITION_HEADS = (
    "select p::int8, (select max(partition_seq) from ledger.fact where partition = p::int2) "
    "from generate_series(0, 63) p"
)


class PostgresLedger:
    """Appends and reads; safe from many threads."""

    def __init__(self, dsn: str) -> None:
        self._writer, self._query = GroupCommit(dsn), Pool(dsn, most=6)

    def watch_groups(self, watch: Watch) -> None:
        """It is called in the writer's thread: briefly."""
        self._writer.watch = watch

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        return _places(append, self._writer.append(EncodedAppend(append), timeout_s))

    def submit(
        self, append: Append, notify: Callable[[], None], *, timeout_s: float = 30.0
    ) -> Callable[[], Sequence[Place]]:
        request = self._writer.submit(EncodedAppend(append), notify, timeout_s)
        return lambda: _places(append, request.result())

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        if len(stream_ids) == 1:
            return decode_events(self._query(BY_STREAM, stream_ids[0].bytes))
        return decode_events(self._query(BY_STREAMS, encode_uuids(stream_ids)))

    def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]:
        rows = self._query(BY_COMMANDS, encode_uuids(command_ids))
        found: dict[UUID, tuple[bytes, list[Place], dict[UUID, int]]] = {}
        for i in range(rows.ntuples):
            command, fingerprint, stream, version, *numbers = (rows.get_value(i, n) or b"" for n in range(7))
            _, places, versions = found.setdefault(decode_uuid(command), (fingerprint, [], {}))
            places.append(Place(*map(decode_int, numbers)))
            versions[decode_uuid(stream)] = decode_int(version)
        return {command_id: Found(*told) for command_id, told in found.items()}

    def read(self, after: int, limit: int) -> Sequence[Event]:
        return decode_events(self._query(BY_POSITION, encode_int8(after), encode_int8(limit)))

    def read_partition(self, partition: int, after: int, limit: int) -> Sequence[Event]:
        return decode_events(self._query(BY_PARTITION, *map(encode_int8, (partition, after, limit))))

    def read_subject(self, subject_id: UUID, after: int, limit: int) -> Sequence[Event]:
        return decode_events(self._query(BY_SUBJECT, subject_id.bytes, encode_int8(after), encode_int8(limit)))

    def select_subject(
        self, subject_id: UUID, after: int, limit: int, types: Collection[str] | None, by: By
    ) -> Sequence[Event]:
        given = (subject_id.bytes, encode_int8(after), encode_int8(limit), *_times(by))
        if types is None:
            return decode_events(self._query(BY_SUBJECT_SEEN.format(""), *given))
        return decode_events(self._query(BY_SUBJECT_SEEN.format("and type = any ($6::text[])"), *given,
                                         encode_texts(types)))  # fmt: skip

    def count_others(self, subject_id: UUID, types: Collection[str], by: By) -> int:
        return decode_int(self._query(COUNT_OTHERS, subject_id.bytes, encode_texts(types), *_times(by)).get_value(0, 0))

    def last_position(self) -> int:
        return decode_int(self._query(LAST_POSITION).get_value(0, 0))

    def partition_heads(self) -> Mapping[int, int]:
        rows = self._query(PARTITION_HEADS)
        heads = ((decode_int(rows.get_value(i, 0)), rows.get_value(i, 1)) for i in range(rows.ntuples))
        return {partition: decode_int(head) for partition, head in heads if head is not None}

    def close(self) -> None:
        """Waits until everything accepted is written."""
        self._writer.close()
        self._query.close()


def _times(by: By) -> list[bytes]:
    return [b"infinity" if at is None else at.isoformat().encode() for at in by]


def _places(append: Append, numbers: Numbers) -> Sequence[Place]:
    subjects = (fact.subject_id for write in append.writes for fact in write.facts)
    return [Place(position, partition_of(subject), seq)
            for subject, (position, seq) in zip(subjects, numbers, strict=True)]  # fmt: skip
