"""What a read model declares, and the service that keeps several of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from domain.event import Event
from domain.fact import Fact
from projections.engine.statements import read_statements

Key = tuple[Hashable, ...]
Row = TypeVar("Row", bound=tuple[Any, ...])
Rows = dict[Key, Any]


def by_stream(event: Event) -> tuple[Key]:
    """One row for each stream."""
    return ((event.stream_id,),)


def by_subject(event: Event) -> tuple[Key]:
    """One row for each subject."""
    return ((event.subject_id,),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sums(Generic[Row]):
    """Totals over many rows, kept by taking away what the old row gave and adding what the new one gives.

    `row` is a NamedTuple: `key` columns, then whole numbers. Its table has the column `partition` after the key,
    so that no two workers write the same row; views add the partitions up.
    """

    row: type[tuple[Any, ...]]
    key: int
    contributes: Callable[[Row], Mapping[Key, tuple[int, ...]]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Derived(Generic[Row]):
    """Columns behind the row's, made of the rows as they are written; they are not loaded, so no fold sees them.

    `of` answers their values, a tuple for each row; unlike a fold it may open what is sealed. Raises UnavailableError,
    or a ValueError, which parks. `forgotten` are persons who lost their keys lately: what is `searchable` of theirs is
    nulled then too, for an erasure's fact does not name everyone, and a value may be sealed a moment after it.
    """

    columns: tuple[str, ...]
    of: Callable[[Sequence[Row]], Iterable[tuple[Any, ...]]]
    forgotten: Callable[[], Collection[UUID]]


@dataclass(frozen=True, eq=False, kw_only=True)
class ReadModel(Generic[Row]):
    """Rows folded from the facts of one subject each, in their order.

    `row` is a NamedTuple whose fields are the table's columns, `key` of them the key. `keys` says which rows an event
    touches. `evolve` is pure: it answers the new row, the old one when nothing changes, or None when it goes.
    `searchable` maps columns that hold a person's data in clear, or digests of them, to the column with that person's
    id; they are nulled when the person is erased.
    """

    name: str
    version: int
    row: type[Row]
    key: int
    facts: tuple[type[Fact], ...]
    keys: Callable[[Event], Iterable[Key]]
    evolve: Callable[[Row | None, Event], Row | None]
    searchable: Mapping[str, str] = field(default_factory=dict)
    sums: Sums[Row] | None = None
    derived: Derived[Row] | None = None

    @cached_property
    def statements(self) -> Mapping[str, str]:
        """The sections of the SQL file beside the row's module: `table`, and if need be `view` and `views`."""
        return read_statements(Path(inspect.getfile(self.row)).with_suffix(".sql"))

    @cached_property
    def types(self) -> frozenset[str]:
        """The types wanted, with the older ones that are read as these."""
        wanted = {fact.TYPE for fact in self.facts}
        return frozenset(wanted | {old for old in Fact.upcasters if newest_type(old) in wanted})


def newest_type(type_: str) -> str:
    """As what facts of this type are read."""
    while step := Fact.upcasters.get(type_):
        type_ = step[0]
    return type_


def known_types() -> frozenset[str]:
    return frozenset(Fact.types) | frozenset(Fact.upcasters)


class Build(NamedTuple):
    """One table of a read model: `2` is the second version's, `2_1` the first rebuild of that."""

    model: ReadModel[Any]
    suffix: str

    @property
    def table(self) -> str:
        return f"{self.model.name}_{self.suffix}"

    @property
    def sums_table(self) -> str:
        return f"{self.model.name}_sums_{self.suffix}"


@dataclass(frozen=True, eq=False)
class Service:
    """A department's read models, in the schema of the same name; `views` is a file with more views."""

    name: str
    read_models: tuple[ReadModel[Any], ...]
    views: Path | None = None

    @cached_property
    def models(self) -> tuple[ReadModel[Any], ...]:
        """With the aliases, which every service keeps."""
        from projections.engine.alias import alias  # noqa: PLC0415 the alias is a read model itself

        return (alias, *self.read_models)

    def named(self, name: str) -> tuple[ReadModel[Any], ...]:
        """The versions of a read model that this code knows, the newest last."""
        return tuple(sorted((m for m in self.models if m.name == name), key=lambda m: m.version))
