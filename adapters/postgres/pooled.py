"""Pooled psycopg sessions: opened when needed, looked at before use, their errors told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from adapters.postgres.libpq import DatabaseAwayError, DatabaseRefusedError, first_line

PATIENCE_S = 10.0
MAX_IDLE_S = 10.0  # so often a pool gives back one of the sessions that nobody needed since the last time


def open_pool(dsn: str, *, most: int) -> ConnectionPool:
    """Each session is checked before it is lent: it may have died with the server."""
    check = ConnectionPool.check_connection
    return ConnectionPool(
        dsn, min_size=0, max_size=most, timeout=PATIENCE_S, max_idle=MAX_IDLE_S, check=check, open=True
    )


@contextmanager
def borrowed(pool: ConnectionPool) -> Iterator[psycopg.Connection]:
    """A session of the pool, in a transaction of its own; psycopg's operational errors become ours."""
    try:
        with pool.connection() as connection:
            yield connection
    except PoolTimeout as error:
        raise DatabaseAwayError(reason=first_line(error)) from error
    except psycopg.OperationalError as error:
        raise DatabaseRefusedError(reason=first_line(error)) from error
