"""A read model's table: rows loaded by key and written as sets, its totals, and its fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from domain.errors import RelatoError
from projections.engine.columns import Column
from projections.engine.packing import Packed, register
from projections.engine.readmodel import Build, Key, Rows

Cursor = psycopg.Cursor[Any]

_COLUMNS = """
select a.attname, format_type(a.atttypid, -1), coalesce(array_position(i.indkey::smallint[], a.attnum), -1)
  from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
  where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped order by a.attnum
"""


class TableDiffersError(RelatoError):
    """A read model's table has other columns, or another primary key, than its row; give it a new version."""


class TableGoneError(RelatoError):
    """A read model's table was dropped just now; look again which ones there are."""


class Table:
    """The SQL of one build. Its statements are prepared on the cursor's connection."""

    def __init__(self, db: psycopg.Connection[Any], build: Build) -> None:
        register(db)
        model = build.model
        self.build, self._make, self._key_size = build, model.row._make, model.key
        self._derived, of_row = model.derived, len(model.row._fields)
        self._columns = read_columns(db, build)
        names = [column.name for column in self._columns]
        key, rest = names[: model.key], names[model.key :]
        self._key_columns = self._columns[: model.key]
        keys = unnest("k", self._key_columns)
        on, table = ", ".join(key), build.table
        self._load = f"select {', '.join(names[:of_row])} from {keys} join {table} using ({on})".encode()
        match = " and ".join(f"t.{name} = k.{name}" for name in key)
        self._delete = f"delete from {table} t using {keys} where {match}".encode()
        self._upsert = (
            f"insert into {table} select {', '.join(column.cast for column in self._columns)} "
            f"from {unnest('n', self._columns)} on conflict ({on}) do "
            + (f"update set {', '.join(f'{name} = excluded.{name}' for name in rest)}" if rest else "nothing")
        ).encode()
        self._decode = _decoder(self._columns[:of_row])
        self._erase = [
            f"update {table} set {column} = null where {person} = any(%b::uuid[]) and {column} is not null".encode()
            for column, person in model.searchable.items()
        ]
        self.sums = SumsTable(db, build) if model.sums else None

    def ask(self, cursor: Cursor, keys: Sequence[Key]) -> None:
        """Asks for rows; `answer` reads them."""
        cursor.execute(self._load, _send(self._key_columns, keys), prepare=True)

    def answer(self, cursor: Cursor, keys: Iterable[Key]) -> Rows:
        """The rows that were asked for, None for a key that has none."""
        rows: Rows = dict.fromkeys(keys)
        size, make, decode = self._key_size, self._make, self._decode
        for values in cursor.fetchall():
            row = make(decode(values) if decode else values)
            rows[row[:size]] = row
        return rows

    def write(self, cursor: Cursor, rows: Rows) -> None:
        """Replaces rows; a key without a row is deleted."""
        if kept := [row for row in rows.values() if row is not None]:
            cursor.execute(self._upsert, _send(self._columns, self._complete(kept)), prepare=True)
        if gone := [key for key, row in rows.items() if row is None]:
            cursor.execute(self._delete, _send(self._key_columns, gone), prepare=True)

    def _complete(self, rows: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
        if self._derived is None:
            return rows
        return [(*row, *more) for row, more in zip(rows, self._derived.of(rows), strict=True)]

    def erase(self, cursor: Cursor, persons: Iterable[UUID]) -> None:
        """Nulls what is kept in clear of these persons."""
        for statement in self._erase:
            cursor.execute(statement, [list(persons)])


class SumsTable:
    """The totals of one build, by key and partition."""

    def __init__(self, db: psycopg.Connection[Any], build: Build) -> None:
        assert build.model.sums is not None
        declared = build.model.sums
        fields: tuple[str, ...] = declared.row._fields  # type: ignore[attr-defined]  # a NamedTuple
        names = (*fields[: declared.key], "partition", *fields[declared.key :])
        self._key, self._contributes = declared.key, declared.contributes
        self._columns = check_columns(db, build.sums_table, names, declared.key + 1)
        key, amounts, table = names[: declared.key + 1], names[declared.key + 1 :], build.sums_table
        match = " and ".join(f"t.{name} = k.{name}" for name in key)
        self._add = (
            f"insert into {table} as t select {', '.join(column.cast for column in self._columns)} "
            f"from {unnest('n', self._columns)} on conflict ({', '.join(key)}) do update set "
            + ", ".join(f"{name} = t.{name} + excluded.{name}" for name in amounts)
        ).encode()
        # A total of nothing leaves no row: a rebuild may never have had one.
        self._sweep = (
            f"delete from {table} t using {unnest('k', self._columns[: len(key)])} where {match} and "
            + " and ".join(f"t.{name} = 0" for name in amounts)
        ).encode()

    def write(self, cursor: Cursor, before: Mapping[Key, Any], after: Rows, partition_of: Mapping[Key, int]) -> None:
        """Takes away what the rows gave before, adds what they give now."""
        totals: dict[Key, list[int]] = {}
        for key, row in after.items():
            self._add_up(totals, before[key], partition_of[key], -1)
            self._add_up(totals, row, partition_of[key], 1)
        if moved := [(*key, *amounts) for key, amounts in totals.items() if any(amounts)]:
            cursor.execute(self._add, _send(self._columns, moved), prepare=True)
            places = [row[: self._key + 1] for row in moved]
            cursor.execute(self._sweep, _send(self._columns[: self._key + 1], places), prepare=True)

    def _add_up(self, totals: dict[Key, list[int]], row: Any, partition: int, sign: int) -> None:
        for key, amounts in (self._contributes(row) if row is not None else {}).items():
            total = totals.setdefault((*key, partition), [0] * len(amounts))
            for n, amount in enumerate(amounts):
                total[n] += sign * amount


def read_columns(db: psycopg.Connection[Any], build: Build) -> Sequence[Column]:
    """The table's columns; TableDiffersError unless they are the row's fields, then what is derived of them."""
    model = build.model
    names = (*model.row._fields, *(model.derived.columns if model.derived else ()))
    return check_columns(db, build.table, names, model.key)


def check_columns(db: psycopg.Connection[Any], table: str, names: Sequence[str], key: int) -> Sequence[Column]:
    found = db.execute(_COLUMNS, [table]).fetchall()
    if not found:
        raise TableGoneError(table=table)
    if tuple(name for name, _, _ in found) != tuple(names):
        raise TableDiffersError(table=table, columns=[name for name, _, _ in found], fields=list(names))
    if {name for name, _, place in found if place >= 0} != set(names[:key]):
        raise TableDiffersError(table=table, key=[name for name, _, place in found if place >= 0])
    return [Column.of(name, type_) for name, type_, _ in found]


def unnest(alias: str, columns: Sequence[Column]) -> str:
    """A set of rows made of an array for each column."""
    arrays = ", ".join(column.array_parameter for column in columns)
    return f"unnest({arrays}) {alias}({', '.join(column.name for column in columns)})"


def fingerprint(db: psycopg.Connection[Any], table: str) -> str:
    """A digest over all rows, whatever their order: equal tables have equal ones."""
    query = sql.SQL("""
        select count(*) || '.' || coalesce(sum(('x' || encode(substr(h, 1, 8), 'hex'))::bit(64)::bigint::numeric), 0)
            || '.' || coalesce(sum(('x' || encode(substr(h, 9, 8), 'hex'))::bit(64)::bigint::numeric), 0)
          from (select sha256(record_send(t)) h from {} t) h""").format(sql.Identifier(table))
    with db.cursor(row_factory=scalar_row) as cursor:
        return str(cursor.execute(query).fetchone())


def _send(columns: Sequence[Column], rows: Iterable[tuple[Any, ...]]) -> list[list[Any] | Packed]:
    return [column.send(values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)]


def _decoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """Mends a loaded row; None where nothing is to be mended."""
    special = [(n, column.decode) for n, column in enumerate(columns) if column.decode]
    if not special:
        return None

    def decode(values: Sequence[Any]) -> Sequence[Any]:
        mended = list(values)
        for n, function in special:
            mended[n] = function(mended[n])
        return mended

    return decode
