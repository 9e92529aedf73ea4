"""The ledger as the relay reads it: PostgreSQL writes the records' headers, five times faster than Python does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from psycopg.pq.abc import PGresult

from adapters.postgres.led_lane import LedLane
from adapters.postgres.wire import decode_int, encode_int8, encode_int8s
from streams.relay import Page

R = TypeVar("R")

Headers = list[tuple[str, bytes]]
Record = Callable[[int, int, int, bytes, bytes, Headers, int], R]

EPOCH_MS = 946_684_800_000  # 2000-01-01, from where PostgreSQL counts

# The same bytes as streams/envelope.py writes; a test compares them.
TIME = """to_char({} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
ROW = f"""'{{"position":' || position || ',"partition_seq":' || partition_seq
  || ',"stream_id":"' || stream_id || '","stream_version":' || stream_version || ',"subject_seq":' || subject_seq
  || ',"command_id":"' || command_id || '","correlation_id":"' || correlation_id
  || '","causation_id":"' || causation_id || '","recorded_at":"' || {TIME.format("recorded_at")}
  || '","actor":' || to_json(actor) || ',"origin":' || to_json(origin)
  || ',"fingerprint":"' || encode(fingerprint, 'hex') || '","hash":"' || encode(hash, 'hex') || '"}}'"""
OCCURRED_AT = "greatest(occurred_at, '0001-01-02 00:00:00+00')"  # older releases wrote times before year 1
READ = f"""select position, partition, partition_seq, subject_id, data, recorded_at, event_id::text, type,
  {TIME.format(OCCURRED_AT)}, {ROW} from ledger.fact where position > $1::int8 order by position limit $2::int8"""

FIND = """select f.partition, f.partition_seq, f.position, f.hash from unnest($1::int8[], $2::int8[]) w(partition, seq)
  join ledger.fact f on f.partition = w.partition::int2 and f.partition_seq = w.seq"""
LAST_POSITION = "select coalesce(max(position), 0) from ledger.fact"
SEQUENCES_AT = """select p::int8, (select f.partition_seq from ledger.fact f where f.partition = p::int2
  and f.position <= $1::int8 order by f.partition_seq desc limit 1) from generate_series(0, 63) p"""


class PostgresLane(LedLane, Generic[R]):
    """All facts by position, as `record(position, partition, seq, key, value, headers, timestamp_ms)`."""

    def __init__(self, dsn: str, *, topic: str, source: str, record: Record[R]) -> None:
        super().__init__(dsn, f"relay {topic}")
        self._record, self._source = record, ("ce_source", source.encode())

    def begin(self, heads: Mapping[int, int]) -> int:
        """Before the first row that the topic lacks."""
        last = decode_int(self._session(LAST_POSITION).get_value(0, 0))  # first: what comes meanwhile lies beyond it
        missing = self.find([(partition, seq + 1) for partition, seq in heads.items()])
        return min((position - 1 for position, _ in missing.values()), default=last)

    def read(self, after: int, limit: int) -> Page[R]:
        rows = self._session(READ, encode_int8(after), encode_int8(limit))
        return Page(self._records(rows), after + rows.ntuples)  # positions have no gaps

    def find(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, bytes]]:
        """Position and hash of the rows that exist at these (partition, seq)."""
        rows = self._session(FIND, encode_int8s(p for p, _ in places), encode_int8s(seq for _, seq in places))
        get, number = rows.get_value, decode_int
        return {
            (number(get(i, 0)), number(get(i, 1))): (number(get(i, 2)), get(i, 3) or b"") for i in range(rows.ntuples)
        }

    def sequences_at(self, position: int) -> Mapping[int, int]:
        """The last sequence in each partition at or before this position."""
        rows = self._session(SEQUENCES_AT, encode_int8(position))
        return {i: decode_int(rows.get_value(i, 1)) for i in range(rows.ntuples)}

    def _records(self, rows: PGresult) -> list[R]:
        get, number, record, source = rows.get_value, int.from_bytes, self._record, self._source
        version = ("ce_specversion", b"1.0")
        return [
            record(
                number(get(i, 0) or b""),
                number(get(i, 1) or b""),
                number(get(i, 2) or b""),
                get(i, 3) or b"",
                get(i, 4) or b"",
                [
                    version,
                    ("ce_id", get(i, 6) or b""),
                    source,
                    ("ce_type", get(i, 7) or b""),
                    ("ce_time", get(i, 8) or b""),
                    ("relato", get(i, 9) or b""),
                ],
                number(get(i, 5) or b"", signed=True) // 1000 + EPOCH_MS,
            )
            for i in range(rows.ntuples)
        ]
