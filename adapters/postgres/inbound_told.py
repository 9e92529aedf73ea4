"""What the ledger tells of what partners' events concern."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from adapters.postgres.feeds import PostgresFeeds
from adapters.postgres.libpq import Pool
from adapters.postgres.wire import EVENT_COLUMNS, decode_events, encode_texts, encode_uuids
from domain.event import Event
from domain.ports import Ledger

OF_TYPES = f"""select {EVENT_COLUMNS} from ledger.fact where stream_id = any ($1::uuid[]) and type = any ($2::text[])
  order by stream_id, stream_version"""
# as the index fact_territory says it
TERRITORIES = f"select {EVENT_COLUMNS} from ledger.fact where type like 'crm.territory.%' order by position"


class PostgresTold:
    """Implements Told."""

    def __init__(self, dsn: str, ledger: Ledger, feeds: PostgresFeeds) -> None:
        self._query, self.load, self._feeds = Pool(dsn, most=2), ledger.load, feeds

    def load_of(self, stream_ids: Sequence[UUID], types: Collection[str]) -> Sequence[Event]:
        return decode_events(self._query(OF_TYPES, encode_uuids(stream_ids), encode_texts(types)))

    def told_of(self, subject_ids: Collection[UUID]) -> Sequence[Event]:
        return self._feeds.told_of(subject_ids)

    def territories(self) -> Sequence[Event]:
        return decode_events(self._query(TERRITORIES))

    def close(self) -> None:
        self._query.close()
