"""A department's share of the ledger as the relay reads it: by position, of the types that it follows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from adapters.postgres.led_lane import LedLane
from adapters.postgres.wire import decode_int, encode_int8, encode_int8s, encode_texts
from domain.event import Event
from streams.relay import Page

R = TypeVar("R")

# from each partition's last row up to the head on, the first one that is followed
BEGIN = """select coalesce(min(n.position) - 1, (select max(position) from ledger.fact), 0)
  from unnest($1::int8[], $2::int8[]) h(p, head) cross join generate_series(h.p, 63, $4::int8) q
  cross join lateral (select position from ledger.fact where partition = q::int2 and type = any ($3::text[])
    and partition_seq > coalesce((select partition_seq from ledger.fact where partition = q::int2 and position <= h.head
      order by partition_seq desc limit 1), 0) order by partition_seq limit 1) n"""
FIND = "select position, partition::int8 % $2::int8, event_id from ledger.fact where position = any ($1::int8[])"
SEQUENCES_AT = """select p, (select max(f.position) from generate_series(p, 63, $3::int8) q cross join lateral (
  select position from ledger.fact where partition = q::int2 and position <= $1::int8 and type = any ($2::text[])
  order by partition_seq desc limit 1) f) from generate_series(0, $3::int8 - 1) p"""


class ShareLane(LedLane, Generic[R]):
    """Facts of these stored types, as `encode(event, partition, previous)`; their sequence there is their position."""

    def __init__(
        self,
        dsn: str,
        *,
        topic: str,
        types: Collection[str],
        partitions: int,
        encode: Callable[[Event, int, int], R],
    ) -> None:
        super().__init__(dsn, f"relay {topic}")
        self._types, self._partitions, self._encode = frozenset(types), partitions, encode
        self._last: dict[int, int] = {}  # the position last sent to each partition

    def begin(self, heads: Mapping[int, int]) -> int:
        """Before the first fact that the topic lacks."""
        self._last = dict(heads)
        columns = (encode_int8s(heads), encode_int8s(heads.values()), encode_texts(self._types))
        return decode_int(self._session(BEGIN, *columns, encode_int8(self._partitions)).get_value(0, 0))

    def read(self, after: int, limit: int) -> Page[R]:
        page = self.read_of(self._types, after, limit)
        return Page(self._shares(page.rows), page.upto)

    def find(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, bytes]]:
        """Position and id of the facts that are at these (partition, position)."""
        rows = self._session(FIND, encode_int8s(position for _, position in places), encode_int8(self._partitions))
        found = ([rows.get_value(i, n) or b"" for n in range(3)] for i in range(rows.ntuples))
        return {(decode_int(p), decode_int(at)): (decode_int(at), event_id) for at, p, event_id in found}

    def sequences_at(self, position: int) -> Mapping[int, int]:
        """The position last sent to each partition at or before this one."""
        columns = (encode_int8(position), encode_texts(self._types), encode_int8(self._partitions))
        rows = self._session(SEQUENCES_AT, *columns)
        return {i: decode_int(rows.get_value(i, 1)) for i in range(rows.ntuples)}

    def _shares(self, events: Sequence[Event]) -> list[R]:
        shares = []
        for event in events:
            partition = event.partition % self._partitions
            if event.type in self._types and event.position > (previous := self._last.get(partition, 0)):
                shares.append(self._encode(event, partition, previous))
                self._last[partition] = event.position
        return shares
