"""How far a single reader has come, kept by the session that leads: it loses both with the lock."""

from __future__ import annotations

import select

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGresult

from adapters.postgres.libpq import Connection, DatabaseAwayError, DatabaseRefusedError, first_line
from adapters.postgres.wire import decode_int, encode_int8

LOCK = 7308
LEAD = f"select pg_try_advisory_lock({LOCK}, hashtext(convert_from($1::bytea, 'UTF8')))::int::int8"
LOAD = "select coalesce(max(position), 0) from ledger.progress where name = convert_from($1::bytea, 'UTF8')"
SAVE = (
    "with moved as (insert into ledger.progress as p (name, position) "
    "values (convert_from($1::bytea, 'UTF8'), $3::int8) "
    "on conflict (name) do update set position = excluded.position where p.position = $2::int8 returning 1) "
    "select count(*) from moved"
)
RESET = (
    "insert into ledger.progress (name, position) values (convert_from($1::bytea, 'UTF8'), 0) "
    "on conflict (name) do update set position = 0"
)

# A network that swallows everything must not keep a session alive that the server gave up: the lock is another's then.
IMPATIENCE = {"connect_timeout": "10", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3",
              "tcp_user_timeout": "15000"}  # fmt: skip


class LeaderSession(Connection):
    """A session that may hold the lock of one name, and waits for notifications."""

    def __init__(self, dsn: str, name: str) -> None:
        missing = {key: value for key, value in IMPATIENCE.items() if key not in conninfo_to_dict(dsn)}
        super().__init__(make_conninfo(dsn, **missing))
        self._name = name.encode()

    def __call__(self, sql: str, *params: bytes) -> PGresult:
        """Raises UnavailableError."""
        try:
            return super().__call__(sql, *params)
        except psycopg.Error as error:
            raise DatabaseRefusedError(reason=first_line(error)) from error

    def lead(self) -> bool:
        """Whether it holds the lock; nobody else gets it until the session ends."""
        return decode_int(self(LEAD, self._name).get_value(0, 0)) == 1

    def load(self) -> int:
        return decode_int(self(LOAD, self._name).get_value(0, 0))

    def save(self, before: int, position: int) -> bool:
        """False when the position isn't `before` any more."""
        moved = self(SAVE, self._name, encode_int8(before), encode_int8(position))
        return decode_int(moved.get_value(0, 0)) == 1

    def reset(self) -> None:
        self(RESET, self._name)

    def listen(self, channel: str) -> None:
        self(f"listen {channel}")

    def wait(self, timeout_s: float) -> None:
        """Until a notification, which may have come already, or for so long."""
        pq = self._connection.pgconn
        try:
            if not (heard := pq.notifies()):
                select.select([pq.socket], [], [], timeout_s)
                pq.consume_input()
            while heard or pq.notifies():
                heard = None
        except (psycopg.OperationalError, OSError) as error:
            raise DatabaseAwayError(reason=first_line(error)) from error
