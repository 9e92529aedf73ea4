"""The ledger's erasures, and how far the eraser has come."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.postgres.libpq import Pool
from adapters.postgres.pooled import borrowed, open_pool
from adapters.postgres.wire import EVENT_COLUMNS, decode_events, encode_int8
from domain.erasure import ERASURES
from domain.event import Event
from streams.eraser import NAME

# the literal types, all of them and in this order, let the index fact_erasure serve it
PENDING = (
    f"select {EVENT_COLUMNS} from ledger.fact where type in {ERASURES} and position > "
    f"coalesce((select position from ledger.progress where name = '{NAME}'), 0) order by position limit $1::int8"
)

IDENTIFIED = (
    "select subject_id from ledger.fact where type like 'crm.%.customer_identified.v1' "
    "and ledger.identified(data) = $1::text"
)


class PostgresErasures:
    def __init__(self, dsn: str) -> None:
        self._query = Pool(dsn, most=2)
        self._pool = open_pool(dsn, most=1)

    def pending(self, limit: int) -> Sequence[Event]:
        return decode_events(self._query(PENDING, encode_int8(limit)))

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]:
        rows = self._query(IDENTIFIED, str(customer_id).encode())
        return [UUID(bytes=rows.get_value(i, 0)) for i in range(rows.ntuples)]

    def done(self, position: int) -> None:
        with borrowed(self._pool) as db:
            db.execute("insert into ledger.progress values (%s, %s) on conflict (name) do update"
                       " set position = greatest(progress.position, excluded.position)", [NAME, position])  # fmt: skip

    def close(self) -> None:
        self._query.close()
        self._pool.close()
