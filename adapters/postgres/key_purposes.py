"""For which purpose a key seals, and whose values, as the key store knows it; that never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from adapters.postgres.pooled import borrowed, open_pool


class PostgresKeyPurposes:
    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=1)

    def purposes(self, key_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        with borrowed(self._pool) as db:
            query = "select key_id, purpose from keys.person_key where key_id = any(%s)"
            return dict(db.execute(query, [list(key_ids)]).fetchall())

    def persons(self, key_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Whose the keys are."""
        with borrowed(self._pool) as db:
            query = "select key_id, person_id from keys.person_key where key_id = any(%s)"
            return dict(db.execute(query, [list(key_ids)]).fetchall())

    def close(self) -> None:
        self._pool.close()
