"""For which purpose a key seals, and whose values, as the key store knows it; that never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

from adapters.postgres.pooled import borrowed, open_pool
from domain.personal import KeyId


class PostgresKeyPurposes:
    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=1)

    def purposes(self, key_ids: Sequence[KeyId]) -> Mapping[KeyId, str]:
        return self._find("select key_id, purpose from keys.person_key where key_id = any(%s)", key_ids)

    def persons(self, key_ids: Sequence[KeyId]) -> Mapping[KeyId, UUID]:
        """Whose the keys are."""
        return self._find("select key_id, person_id from keys.person_key where key_id = any(%s)", key_ids)

    def _find(self, query: LiteralString, key_ids: Sequence[KeyId]) -> Mapping[KeyId, Any]:
        with borrowed(self._pool) as db:
            rows = db.execute(query, [[UUID(bytes=key_id) for key_id in key_ids]]).fetchall()
        return {key_id.bytes: found for key_id, found in rows}

    def close(self) -> None:
        self._pool.close()
