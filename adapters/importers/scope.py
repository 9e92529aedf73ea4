"""What the forms of a mapping are compiled against: the file's columns, the maps, the look-ups, the ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from adapters.importers.errors import ColumnsMissingError, MappingError
from adapters.importers.rows import Row, Value

REMEMBERED_IDS = 100_000
DeriveId = Callable[[str, str], UUID]


@dataclass
class Table:
    """Rows of another file by key, and where its columns are."""

    columns: Mapping[str, int]
    rows: dict[str, Row]


@dataclass
class Scope:
    """Names that the mapping uses and the file lacks are gathered, to be told all at once.

    `grouped` and `counted` say what the rule at hand has: rows bound together, identical rows counted.
    """

    file: str
    columns: Sequence[str]
    time_zone: ZoneInfo
    derive_id: DeriveId
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    grouped: bool = False
    counted: bool = False
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shared: dict[str, Value] = {}
        self._indexes = {name: n for n, name in enumerate(self.columns)}
        self.derive_again = lru_cache(REMEMBERED_IDS)(self.derive_id)

    def shared(self, name: str, make: Callable[[], Value]) -> Value:
        """A value that several rules need is computed once for each row."""
        if name not in self._shared:
            self._shared[name] = _once_a_row(make())
        return self._shared[name]

    def index(self, column: str) -> int:
        if column not in self._indexes:
            self.missing.append(column)
        return self._indexes.get(column, 0)

    def map_named(self, name: str) -> Mapping[str, str]:
        if name not in self.maps:
            raise MappingError(map=name, known=", ".join(self.maps) or "none")
        return self.maps[name]

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise MappingError(lookup=name, known=", ".join(self.tables) or "none")
        return self.tables[name]

    def require_columns(self) -> None:
        if self.missing:
            lacking, there = ", ".join(dict.fromkeys(self.missing)), ", ".join(self.columns)
            raise ColumnsMissingError(file=self.file, missing=lacking, there=there[:500] or "nothing")

    def require(self, form: str, needed: str, there: bool) -> None:
        if not there:
            raise MappingError(form=form, needs=needed)


def _once_a_row(value: Value) -> Value:
    last: Row | None = None
    found: Any = None

    def remembered(row: Row) -> Any:
        nonlocal last, found
        if row is not last:
            found = value(row)
            last = row
        return found

    return remembered
