"""Prepared statements with binary parameters, straight on libpq: a third of the cost of a psycopg cursor."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Semaphore

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from domain.errors import UnavailableError

PATIENCE_S = 5.0  # how long one waits for a session that others have
IDLE_S = 60.0  # how long a session is kept that nobody needs
GONE = (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow, errors.IdleSessionTimeout)


class DatabaseAwayError(UnavailableError):
    """PostgreSQL does not answer; start it, or check --database."""


class DatabaseRefusedError(UnavailableError):
    """PostgreSQL could not do it now; nothing was written."""


class DatabaseBusyError(UnavailableError):
    """All sessions with PostgreSQL are taken; nothing was done, try again."""


class Connection:
    """One session in autocommit; each distinct statement is prepared once."""

    def __init__(self, dsn: str) -> None:
        try:
            self._connection = psycopg.connect(dsn, autocommit=True)
        except psycopg.OperationalError as error:
            raise DatabaseAwayError(reason=first_line(error)) from error
        self._names: dict[str, bytes] = {}

    def __call__(self, sql: str, *params: bytes) -> PGresult:
        """Raises psycopg's errors, and DatabaseAwayError when the session is gone."""
        try:
            return self._run(sql, params)
        except psycopg.Error as error:
            # without a code the error is libpq's own: after a crash it may yet call the connection a good one
            if error.diag.sqlstate is not None and not isinstance(error, GONE) and not self._connection.closed:
                raise
            self._connection.close()
            raise DatabaseAwayError(reason=first_line(error)) from error

    def _run(self, sql: str, params: Sequence[bytes]) -> PGresult:
        pq = self._connection.pgconn
        if (name := self._names.get(sql)) is None:
            name = b"s%d" % len(self._names)
            _check(pq.prepare(name, sql.encode()))
            self._names[sql] = name
        return _check(pq.exec_prepared(name, params, [1] * len(params), 1))

    def close(self) -> None:
        self._connection.close()


def _check(result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result


class Pool:
    """At most so many sessions; a statement needs one for as long as it runs, so that a few serve many threads.

    Idle ones are used last in first out, and PostgreSQL ends those that nobody needed for `idle_s`. A broken one takes
    the others with it, for they are as dead.
    """

    def __init__(self, dsn: str, *, most: int, patience_s: float = PATIENCE_S, idle_s: float = IDLE_S) -> None:
        self._dsn, self._patience_s = _with_idle_timeout(dsn, idle_s), patience_s
        self._free = Semaphore(most)
        self._idle: deque[Connection] = deque()

    def __call__(self, sql: str, *params: bytes) -> PGresult:
        """Runs a statement that may be run again: once more on a new session when an idle one was dead.

        Raises DatabaseBusyError when others have all sessions for too long.
        """
        if not self._free.acquire(timeout=self._patience_s):
            raise DatabaseBusyError
        try:
            return self._run(sql, params)
        finally:
            self._free.release()

    def _run(self, sql: str, params: Sequence[bytes]) -> PGresult:
        """Raises DatabaseAwayError, DatabaseRefusedError."""
        try:
            with self._borrowed() as connection:
                return connection(sql, *params)
        except DatabaseAwayError:
            self.close()
            with self._borrowed() as connection:
                return connection(sql, *params)

    @contextmanager
    def _borrowed(self) -> Iterator[Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = Connection(self._dsn)
        try:
            yield connection
        except psycopg.Error as error:
            connection.close()
            raise DatabaseRefusedError(reason=first_line(error)) from error
        except BaseException:  # interrupted: an answer may still be under way on it
            connection.close()
            raise
        self._idle.append(connection)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _with_idle_timeout(dsn: str, idle_s: float) -> str:
    options = f"{conninfo_to_dict(dsn).get('options', '')} -c idle_session_timeout={round(idle_s * 1000)}"
    return make_conninfo(dsn, options=options.strip())


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
