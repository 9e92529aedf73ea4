"""Read models page by page, for many readers: a few sessions for each service, kept open, that can write nothing."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors, sql
from psycopg_pool import ConnectionPool

from adapters.postgres.libpq import DatabaseRefusedError, first_line
from adapters.postgres.pooled import MAX_IDLE_S, borrowed
from adapters.postgres.searching import search_texts
from adapters.postgres.views import read_page
from domain.errors import InvalidError, UnavailableError
from projections.asking import Condition, Order
from projections.engine.progress import count_behind, read_marks
from projections.search.answer import Behind, Hit
from projections.search.fields import Kind, Share
from projections.search.question import Blind
from projections.search.service import NAME as SEARCH
from projections.view import View

SESSIONS, PATIENCE_S = 4, 5.0  # of each service
BEGIN = (
    "select set_config('search_path', %s, false), set_config('timezone', %s, false),"
    " set_config('default_transaction_read_only', 'on', false), set_config('statement_timeout', '10s', false)"
)


class NothingFoldedError(UnavailableError):
    """No worker has folded this service's read models yet; start `relato run folds`."""


class PostgresPages:
    """Safe from many threads."""

    def __init__(self, dsn: str, zone: ZoneInfo) -> None:
        self._dsn, self._zone = dsn, zone
        self._pools: dict[str, ConnectionPool] = {}
        self._making = Lock()

    def read(
        self,
        service: str,
        view: View,
        conditions: Sequence[Condition] = (),
        order: Order = (),
        *,
        after: Sequence[str | None] | None = None,
        limit: int,
        customer_id: UUID | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        with self._borrowed(service) as db:
            return read_page(db, view, conditions, order, after=after, limit=limit, customer_id=customer_id)

    def search(
        self, blind: Blind, *, kinds: Sequence[Kind], shares: Sequence[Share], behind: Behind | None, limit: int
    ) -> Sequence[Hit]:
        with self._borrowed(SEARCH) as db:
            return search_texts(db, blind, kinds=kinds, shares=shares, behind=behind, limit=limit)

    def count_behind(self, service: str, places: Mapping[int, int]) -> int:
        with self._borrowed(service) as db:
            return count_behind(db, places, ["live"])

    def marks(self, service: str) -> str:
        with self._borrowed(service) as db:
            return read_marks(db)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    @contextmanager
    def _borrowed(self, service: str) -> Iterator[psycopg.Connection[Any]]:
        try:
            with borrowed(self._pool(service)) as db:
                yield db
        except psycopg.DataError as error:
            raise InvalidError(f"the filter does not fit its column: {first_line(error)}") from error
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise NothingFoldedError(service=service) from error
        except psycopg.Error as error:
            raise DatabaseRefusedError(reason=first_line(error)) from error

    def _pool(self, service: str) -> ConnectionPool:
        with self._making:
            if service not in self._pools:
                self._pools[service] = ConnectionPool(
                    self._dsn,
                    min_size=0,
                    max_size=SESSIONS,
                    timeout=PATIENCE_S,
                    max_idle=MAX_IDLE_S,
                    kwargs={"autocommit": True, "application_name": f"relato reads {service}"},
                    configure=_prepare(service, self._zone),
                    check=_check,
                    open=True,
                )
            return self._pools[service]


def _check(db: psycopg.Connection[Any]) -> None:
    """An idle session has nothing to say, unless it has ended: only then is it asked, which costs a round trip."""
    watch = select.poll()
    watch.register(db.fileno(), select.POLLIN)
    if watch.poll(0):
        ConnectionPool.check_connection(db)


def _prepare(service: str, zone: ZoneInfo) -> Callable[[psycopg.Connection[Any]], None]:
    def begin(db: psycopg.Connection[Any], schema: str) -> None:
        db.execute(BEGIN, [sql.Identifier(schema).as_string(db), zone.key])

    return partial(begin, schema=service)
