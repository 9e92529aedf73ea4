"""How far partners' inbound topics were read, over the session that leads."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.postgres.progress import LeaderSession
from adapters.postgres.wire import decode_int, encode_int8s, encode_texts
from streams.inbound.reader import Place

NAME = "inbound"
PLACES = "select topic, incarnation, next_offset from feeds.inbound_offset"
SAVE = """insert into feeds.inbound_offset as o (topic, incarnation, next_offset)
  select * from unnest($1::text[], $2::text[], $3::int8[])
  on conflict (topic) do update set incarnation = excluded.incarnation, next_offset = excluded.next_offset"""


class PostgresReaderDesk:
    """Implements ReaderDesk."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opened: LeaderSession | None = None

    @property
    def _session(self) -> LeaderSession:
        if self._opened is None:
            self._opened = LeaderSession(self._dsn, NAME)
        return self._opened

    def lead(self) -> bool:
        return self._session.lead()

    def places(self) -> Mapping[str, Place]:
        rows = self._session(PLACES)
        found = ([rows.get_value(i, column) or b"" for column in range(3)] for i in range(rows.ntuples))
        return {topic.decode(): Place(incarnation.decode(), decode_int(offset)) for topic, incarnation, offset in found}

    def save(self, places: Mapping[str, Place]) -> None:
        offsets = encode_int8s(place.next_offset for place in places.values())
        incarnations = encode_texts(place.incarnation for place in places.values())
        self._session(SAVE, encode_texts(places), incarnations, offsets)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None
