"""Read models as readers ask for them: a service's views, filtered, sorted, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from adapters.postgres.libpq import DatabaseRefusedError, first_line
from domain.errors import InvalidError
from projections.asking import AMONG, Condition, Order, paging_order
from projections.engine.leases import LIVE, TERM
from projections.view import View

PAGE = 1_000
REMEMBERED = 1_000
LIMIT = sql.SQL(" limit %s")
COMPARE: Mapping[str, str] = {
    "=": "{column} = %s::text::{type}",
    "!=": "{column} is distinct from %s::text::{type}",
    ">=": "{column} >= %s::text::{type}",
    "<=": "{column} <= %s::text::{type}",
    AMONG: "{column} = any(string_to_array(%s::text, ',')::{type}[])",
    "~": "strpos(lower({column}::text), lower(%s::text)) > 0",
}


@contextmanager
def reading(db: psycopg.Connection[Any], zone: ZoneInfo) -> Iterator[None]:
    """One snapshot that a slow reader may keep; days are those of the zone. psycopg's errors become ours."""
    try:
        db.execute("select set_config('timezone', %s, false)", [zone.key])
        db.execute("set idle_in_transaction_session_timeout = 0")
        with db.transaction():
            db.execute("set transaction isolation level repeatable read, read only")
            yield
    except psycopg.DataError as error:
        raise InvalidError(f"the filter does not fit its column: {first_line(error)}") from error
    except psycopg.Error as error:
        raise DatabaseRefusedError(reason=first_line(error)) from error


def read_rows(
    db: psycopg.Connection[Any], view: View, conditions: Sequence[Condition], order: Order
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The view's columns in pages, while `reading`; `order` names columns, its key follows."""
    types = _types(db, view) if conditions else {}
    with db.cursor("rows") as cursor:
        cursor.execute(_select(view, map(_with_types(types), conditions), order), _values(conditions))
        while page := cursor.fetchmany(PAGE):
            yield page


def read_page(
    db: psycopg.Connection[Any],
    view: View,
    conditions: Sequence[Condition],
    order: Order,
    *,
    after: Sequence[str | None] | None,
    limit: int,
    customer_id: UUID | None = None,
) -> Sequence[tuple[Any, ...]]:
    """So many rows at most, behind the row where the columns of the order have the texts `after`.

    `customer_id`: only that customer's, under every id that is known as theirs.
    """
    types = _types(db, view) if conditions or after or order else {}
    _require_sortable(order, types)
    wanted = [_with_types(types)(condition) for condition in conditions]
    values: list[Any] = _values(conditions)
    if customer_id is not None:
        column = view.subject or "customer_id"
        known = "{} in (select known_as(%s))" if view.subject else "{} = %s"
        wanted.append(sql.SQL(known).format(sql.Identifier(column)))
        values.append(customer_id)
    if after is not None:
        behind, texts = _behind(paging_order(view, order), after, types, is_key_one=not order and len(view.key) == 1)
        wanted.append(behind)
        values += texts
    query = (_select(view, wanted, order) + LIMIT).as_bytes() if wanted else _select_first(view, tuple(order))
    return db.execute(query, [*values, limit], prepare=True).fetchall()


def _require_sortable(order: Order, types: Mapping[str, str]) -> None:
    """Where a list stands in an order, no text tells: the next page could not be asked for."""
    if lists := [column for column, _ in order if types[column].endswith("[]") or types[column].startswith("json")]:
        raise InvalidError(f"{', '.join(lists)}: nothing can be sorted by what holds a list")


def _behind(
    order: Order, after: Sequence[str | None], types: Mapping[str, str], *, is_key_one: bool
) -> tuple[sql.Composable, Sequence[str]]:
    """Nulls come last whichever way a column is sorted, so behind a null there is nothing but nulls."""
    cases: list[sql.Composable] = []
    values: list[str] = []
    equal: list[sql.Composable] = []
    texts: list[str] = []
    for (name, is_descending), text in zip(order, after, strict=True):
        column, type_ = sql.Identifier(name), sql.SQL(cast("Any", types[name]))
        if text is None:
            equal.append(sql.SQL("{} is null").format(column))
            continue
        beyond = "{c} < %s::text::{t}" if is_descending else "{c} > %s::text::{t}"
        # a table's primary key has no nulls, and its index serves this alone
        case = beyond if is_key_one else f"({beyond} or {{c}} is null)"
        cases.append(sql.SQL(" and ").join([*equal, sql.SQL(cast("Any", case)).format(c=column, t=type_)]))
        values += [*texts, text]
        equal.append(sql.SQL("{c} = %s::text::{t}").format(c=column, t=type_))
        texts.append(text)
    return sql.SQL("({})").format(sql.SQL(" or ").join([*cases, sql.SQL("false")] if not is_key_one else cases)), values


@lru_cache(REMEMBERED)
def _select_first(view: View, order: tuple[tuple[str, bool], ...]) -> bytes:
    """What is asked most; putting it together takes as long as asking it."""
    return (_select(view, (), order) + LIMIT).as_bytes()


def _select(view: View, conditions: Iterable[sql.Composable], order: Order) -> sql.Composed:
    return sql.SQL("select {columns} from {view} where {conditions} order by {order}").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, view.columns)),
        view=sql.Identifier(view.name),
        conditions=sql.SQL(" and ").join([sql.SQL("true"), *conditions]),
        order=sql.SQL(", ").join(_ordering(view, order)),
    )


def _with_types(types: Mapping[str, str]) -> Callable[[Condition], sql.Composable]:
    return lambda condition: _condition(condition, types)


def _values(conditions: Sequence[Condition]) -> list[Any]:
    return [condition.value for condition in conditions if condition.value]


def _types(db: psycopg.Connection[Any], view: View) -> Mapping[str, str]:
    found = db.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass", [view.name]
    )
    return dict(found.fetchall())


def _condition(condition: Condition, types: Mapping[str, str]) -> sql.Composable:
    column = sql.Identifier(condition.column)
    if not condition.value:
        return sql.SQL("{} is null" if condition.operator == "=" else "{} is not null").format(column)
    # the type's name comes from PostgreSQL itself
    type_ = sql.SQL(cast("Any", types[condition.column]))
    return sql.SQL(cast("Any", COMPARE[condition.operator])).format(column=column, type=type_)


def _ordering(view: View, order: Order) -> Iterator[sql.Composable]:
    for column, is_descending in order:
        yield sql.SQL("{} desc nulls last" if is_descending else "{} nulls last").format(sql.Identifier(column))
    named = {column for column, _ in order}
    yield from (sql.Identifier(column) for column in view.key if column not in named)


def count_workers(db: psycopg.Connection[Any]) -> int:
    """The live workers of the service in whose schema the session is; none where there is no schema yet."""
    if db.execute("select to_regclass('projection_worker')").fetchone() == (None,):
        return 0
    query = "select count(*) from projection_worker where crew = %s and seen_at > clock_timestamp() - %s::interval"
    found = db.execute(query, [LIVE, TERM]).fetchone()
    return int(found[0]) if found else 0
