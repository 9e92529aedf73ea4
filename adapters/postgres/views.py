"""Read models as readers ask for them: a service's views, filtered, sorted, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from adapters.postgres.libpq import DatabaseRefusedError, first_line
from domain.errors import InvalidError
from projections.engine.leases import LIVE, TERM
from projections.view import View

Operator = Literal["=", "!=", ">=", "<=", "~"]
PAGE = 1_000
COMPARE: Mapping[str, str] = {
    "=": "{column} = %s::text::{type}",
    "!=": "{column} is distinct from %s::text::{type}",
    ">=": "{column} >= %s::text::{type}",
    "<=": "{column} <= %s::text::{type}",
    "~": "strpos(lower({column}::text), lower(%s::text)) > 0",
}


class Condition(NamedTuple):
    """`~` is contains, whatever the case; an empty value asks for rows without one (`=`) or with any (`!=`)."""

    column: str
    operator: Operator
    value: str


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
    db: psycopg.Connection[Any], view: View, conditions: Sequence[Condition], order: Sequence[tuple[str, bool]]
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The view's columns in pages, while `reading`; `order` names columns, True for descending, its key follows."""
    types = _types(db, view) if conditions else {}
    query = sql.SQL("select {columns} from {view} where {conditions} order by {order}").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, view.columns)),
        view=sql.Identifier(view.name),
        conditions=sql.SQL(" and ").join([sql.SQL("true"), *(_condition(c, types) for c in conditions)]),
        order=sql.SQL(", ").join(_ordering(view, order)),
    )
    with db.cursor("rows") as cursor:
        cursor.execute(query, [c.value for c in conditions if c.value])
        while page := cursor.fetchmany(PAGE):
            yield page


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


def _ordering(view: View, order: Sequence[tuple[str, bool]]) -> Iterator[sql.Composable]:
    for column, is_descending in order:
        yield sql.SQL("{} desc nulls last" if is_descending else "{} nulls last").format(sql.Identifier(column))
    yield from (sql.Identifier(column) for column in view.key)


def count_workers(db: psycopg.Connection[Any]) -> int:
    """The live workers of the service in whose schema the session is; none where there is no schema yet."""
    if db.execute("select to_regclass('projection_worker')").fetchone() == (None,):
        return 0
    query = "select count(*) from projection_worker where crew = %s and seen_at > clock_timestamp() - %s::interval"
    found = db.execute(query, [LIVE, TERM]).fetchone()
    return int(found[0]) if found else 0
