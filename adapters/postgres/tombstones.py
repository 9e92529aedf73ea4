"""Who lost their keys lately, as the key database's tombstones say."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from adapters.postgres.pooled import borrowed, open_pool

# a text may be written a moment after its person's key is gone: it was opened before
LATELY = (
    "select person_id, number from keys.tombstone"
    " where number > %s or erased_at > clock_timestamp() - interval '5 minutes'"
)


class PostgresTombstones:
    def __init__(self, dsn: str) -> None:
        self._pool, self._last = open_pool(dsn, most=1), 0

    def lately(self) -> Collection[UUID]:
        """Since it was last asked, and in the last minutes."""
        with borrowed(self._pool) as db:
            found = db.execute(LATELY, [self._last]).fetchall()
        self._last = max((number for _, number in found), default=self._last)
        return [person_id for person_id, _ in found]

    def close(self) -> None:
        self._pool.close()
