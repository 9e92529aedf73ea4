"""How far imports have come, kept beside the ledger."""

from __future__ import annotations

from adapters.importers.progress import Position
from adapters.postgres.pooled import borrowed, open_pool

FIND = "select row_number, finished_at is not null from ledger.import where source = %s and digest = %s"
# an import that starts again from the first row is unfinished again
SAVE = (
    "insert into ledger.import (source, digest, row_number, finished_at) "
    "values (%(source)s, %(digest)s, %(row)s, case when %(finished)s then clock_timestamp() end) "
    "on conflict (source, digest) do update set row_number = excluded.row_number, finished_at = excluded.finished_at"
)


class PostgresImportProgress:
    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=2)

    def find(self, source: str, digest: bytes) -> Position:
        with borrowed(self._pool) as db:
            row = db.execute(FIND, [source, digest]).fetchone()
        return Position(*row) if row else Position()

    def save(self, source: str, digest: bytes, position: Position) -> None:
        row, finished = position
        with borrowed(self._pool) as db:
            db.execute(SAVE, {"source": source, "digest": digest, "row": row, "finished": finished})

    def close(self) -> None:
        self._pool.close()
