"""Which secrets of endpoints were shown or have signed, and their prints, beside where delivery stands."""

from __future__ import annotations

from uuid import UUID

from adapters.postgres.pooled import borrowed, open_pool

IS_KNOWN = "select 1 from feeds.webhook_secret where endpoint = %s and number = %s"
REMEMBER = """insert into feeds.webhook_secret as s (endpoint, number, print) values (%s, %s, %s)
  on conflict (endpoint, number) do update set print = coalesce(s.print, excluded.print) returning print"""


class PostgresSecretPrints:
    """Implements SecretPrints. Every call may raise UnavailableError."""

    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=2)

    def is_known(self, endpoint_id: UUID, number: int) -> bool:
        with borrowed(self._pool) as db:
            return db.execute(IS_KNOWN, [endpoint_id, number]).fetchone() is not None

    def remember(self, endpoint_id: UUID, number: int, seen: bytes) -> bytes:
        with borrowed(self._pool) as db:
            found = db.execute(REMEMBER, [endpoint_id, number, seen]).fetchone()
        assert found is not None
        return bytes(found[0])

    def close(self) -> None:
        self._pool.close()
