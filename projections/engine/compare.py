"""Two builds of a read model compared, row by row, at equal bookmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain.errors import RelatoError
from projections.engine.statements import read_statements

_SQL = read_statements(Path(__file__).with_name("compare.sql"))


class NotTogetherError(RelatoError):
    """The two tables stand at different places; let the workers catch up, then compare again."""


class Comparison(NamedTuple):
    """How the new table differs from the old one, over the columns that both have; the first keys that do."""

    old: str
    new: str
    rows: int
    added: int
    missing: int
    changed: int
    keys: Sequence[str]
    columns_differ: bool

    @property
    def is_equal(self) -> bool:
        return not (self.added or self.missing or self.changed or self.columns_differ)


def stands_behind(db: psycopg.Connection[Any], table: str, other: str) -> int:
    """By how many facts the one table stands behind the other."""
    found = db.execute(_SQL["facts_behind"], {"ahead": other, "behind": table}).fetchone()
    assert found is not None
    return int(found[0])


def compare(db: psycopg.Connection[Any], old: str, new: str) -> Comparison:
    """In one snapshot. NotTogetherError unless both stand at the same places. Prints of keys are text, for reading."""
    with db.transaction():
        db.execute("set transaction isolation level repeatable read, read only")
        if behind := stands_behind(db, old, new) + stands_behind(db, new, old):
            raise NotTogetherError(old=old, new=new, facts_between=behind)
        return compare_rows(db, old, new)


def compare_rows(db: psycopg.Connection[Any], old: str, new: str) -> Comparison:
    columns = {table: _names(db, _SQL["columns"], table) for table in (old, new)}
    key = _names(db, _SQL["key"], new)
    shared = [name for name in columns[new] if name in columns[old]]
    columns_differ = columns[old] != columns[new] or _names(db, _SQL["key"], old) != key
    query = sql.SQL(_SQL["differences"]).format(
        old=sql.Identifier(old),
        new=sql.Identifier(new),
        old_row=_row("o", shared),
        new_row=_row("n", shared),
        key=sql.SQL(", ").join(map(sql.Identifier, key)),
        key_text=sql.SQL("concat_ws(' ', {})").format(sql.SQL(", ").join(map(sql.Identifier, key))),
    )
    rows, added, missing, changed, keys = db.execute(query).fetchone() or (0, 0, 0, 0, None)
    return Comparison(old, new, rows, added, missing, changed, tuple(keys or ()), columns_differ)


def _names(db: psycopg.Connection[Any], question: str, table: str) -> list[str]:
    return [name for (name,) in db.execute(question, [table]).fetchall()]


def _row(alias: str, columns: Sequence[str]) -> sql.Composable:
    return sql.SQL("row({})").format(sql.SQL(", ").join(sql.Identifier(alias, name) for name in columns))
