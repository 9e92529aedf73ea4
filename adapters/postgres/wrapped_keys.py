"""Every wrapped key in PostgreSQL, as the key database's owner may change them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self
from uuid import UUID

from adapters.keys.vault import secret_use
from adapters.postgres.backup import refusals
from adapters.postgres.key_store import LOCK
from adapters.postgres.migrate import connect
from domain.errors import RelatoError

ONE_AT_A_TIME = 7309
LOT = 1_000
NOBODY = UUID(int=0)
LIVING = (
    "select key_id, wrapped from keys.person_key where key_id > %s and wrapped is not null order by key_id limit %s"
)
SECRETS = "select name, wrapped from keys.secret"
# a key that was destroyed meanwhile is not what was read
REWRAP_KEYS = "update keys.person_key set wrapped = %s where key_id = %s and wrapped = %s"
REWRAP_SECRETS = "update keys.secret set wrapped = %s where name = %s and wrapped = %s"
Rewrap = Callable[[bytes, bytes], bytes | None]


class RotatingError(RelatoError):
    """Somebody else is rotating the master key at this moment; wait for them."""


class PostgresWrappedKeys:
    """Use as a context; it is held by one at a time."""

    def __init__(self, owner_dsn: str) -> None:
        self._db = connect(owner_dsn)

    def __enter__(self) -> Self:
        if self._db.execute("select pg_try_advisory_lock(%s)", [ONE_AT_A_TIME]).fetchone() != (True,):
            self._db.close()
            raise RotatingError
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def name_master(self, name: bytes) -> None:
        with refusals(), self._db.transaction():
            self._db.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            self._db.execute("insert into keys.master (print) values (%s)"
                             " on conflict (one) do update set print = excluded.print", [name])  # fmt: skip

    def rewrap(self, rewrap: Rewrap) -> int:
        with refusals():
            secrets = self._db.execute(SECRETS).fetchall()
            count = self._store(REWRAP_SECRETS, [(name, old, secret_use(name)) for name, old in secrets], rewrap)
            last = NOBODY
            while keys := self._db.execute(LIVING, [last, LOT]).fetchall():
                count += self._store(REWRAP_KEYS, [(key_id, old, key_id.bytes) for key_id, old in keys], rewrap)
                last = keys[-1][0]
        return count

    def _store(self, sql: str, wrapped: Sequence[tuple[Any, bytes, bytes]], rewrap: Rewrap) -> int:
        """In one transaction, that no erasure comes between."""
        found = ((rewrap(bytes(old), use), which, old) for which, old, use in wrapped)
        changed = [row for row in found if row[0] is not None]
        with self._db.transaction():
            self._db.execute("select pg_advisory_xact_lock_shared(%s)", [LOCK])
            self._db.execute("set local relato.rewraps = 'on'")
            self._db.cursor().executemany(sql.encode(), changed)
        return len(changed)
