"""Which files belong to what, from the ledger's facts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.postgres.libpq import Pool
from adapters.postgres.wire import EVENT_COLUMNS, decode_events, encode_int8, encode_uuids
from domain.event import Event

BEGINNING = f"select {EVENT_COLUMNS} from ledger.fact where stream_id = any($1::uuid[]) and stream_version = 1"
STREAMS = (
    f"select {EVENT_COLUMNS} from ledger.fact where stream_id = any($1::uuid[]) and type like 'crm.attachment.%' "
    "order by position"
)
# the literal type lets the index fact_attached serve it
ATTACHED = (
    f"select {EVENT_COLUMNS} from ledger.fact where type = 'crm.attachment.added.v1' "
    "and ledger.attached_to(data) = $1::text and position > $2::int8 order by position limit $3::int8"
)
BY_COMMAND = "select 1 from ledger.fact where command_id = $1::uuid limit 1"


class PostgresAttachments:
    """Implements AttachmentLog."""

    def __init__(self, dsn: str) -> None:
        self._query = Pool(dsn, most=2)

    def begun_as(self, stream_id: UUID) -> Event | None:
        found = decode_events(self._query(BEGINNING, encode_uuids([stream_id])))
        return found[0] if found else None

    def attached_to(self, stream_id: UUID, after: int, limit: int) -> Sequence[Event]:
        rows = self._query(ATTACHED, str(stream_id).encode(), encode_int8(after), encode_int8(limit))
        return decode_events(rows)

    def has_command(self, command_id: UUID) -> bool:
        return bool(self._query(BY_COMMAND, command_id.bytes).ntuples)

    def facts_of(self, attachment_ids: Sequence[UUID]) -> Sequence[Event]:
        return decode_events(self._query(STREAMS, encode_uuids(attachment_ids)))

    def close(self) -> None:
        self._query.close()
