"""What is asked of a view, whichever way: conditions, order, one's own rows; and what is answered, opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol, cast, get_args
from uuid import UUID

from domain.access.facts import Rows
from domain.errors import InvalidError
from projections.disclosure import Disclosure, Grant, NotAllowedError, as_sealed
from projections.rendering import as_text
from projections.view import View

Operator = Literal["=", "!=", ">=", "<=", "~"]
AMONG: Final = "among"  # one of the values, with commas between; nobody writes it in a filter
Order = Sequence[tuple[str, bool]]
CONDITION = re.compile(r"([a-z_][a-z0-9_]*)(!=|>=|<=|=|~)(.*)", re.DOTALL)


class AskedWrongError(InvalidError):
    """The view cannot be asked that way; `parameter` says which part of the question is wrong."""

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message, parameter=parameter)
        self.parameter = parameter


class Condition(NamedTuple):
    """`~` is contains, whatever the case; an empty value asks for rows without one (`=`) or with any (`!=`)."""

    column: str
    operator: Operator | Literal["among"]
    value: str


class Asker(Protocol):
    """Who asks: an id, and the ids of those whose rows their team sees."""

    @property
    def id(self) -> str: ...
    @property
    def team(self) -> Sequence[str]: ...


class Question(NamedTuple):
    """`after` are the conditions on sealed columns, which opened values answer. `order`: True is descending."""

    view: View
    conditions: Sequence[Condition]
    after: Sequence[Condition]
    order: Order


def ask(view: View, grant: Grant, asker: Asker, filters: Iterable[str], sort: str | None) -> Question:
    """Raises AskedWrongError, and NotAllowedError where somebody who sees only their own rows asks for others'."""
    conditions = [_parse_condition(view, text) for text in filters]
    return Question(
        view,
        [*(c for c in conditions if c.column not in view.sealed), *_own_rows(view, grant, asker)],
        [c for c in conditions if c.column in view.sealed],
        _parse_order(view, sort or ""),
    )


def _parse_condition(view: View, text: str) -> Condition:
    if not (found := CONDITION.fullmatch(text)):
        signs = " ".join(get_args(Operator))
        raise AskedWrongError(f"write column=value, with one of {signs} between them", parameter="filter")
    column, operator, value = found.groups()
    _check_column(view, column, "filter")
    if "\0" in value:
        raise AskedWrongError(f"{column}: no text holds a NUL", parameter="filter")
    if column in view.sealed and operator in {">=", "<="}:
        raise AskedWrongError(f"{column} is kept sealed; only =, != and ~ can be asked of it", parameter="filter")
    return Condition(column, cast("Operator", operator), value)


def _parse_order(view: View, sort: str) -> Order:
    order = [(name.removeprefix("-"), name.startswith("-")) for name in sort.split(",") if name]
    for column, _ in order:
        _check_column(view, column, "sort")
        if column in view.sealed:
            raise AskedWrongError(f"{column} is kept sealed, so nothing can be sorted by it", parameter="sort")
    return order


def _check_column(view: View, column: str, parameter: str) -> None:
    if column not in view.columns:
        text = f"{view.name} has no column {column}; it has {', '.join(view.columns)}"
        raise AskedWrongError(text, parameter=parameter)


def _own_rows(view: View, grant: Grant, asker: Asker) -> Sequence[Condition]:
    """Those that bear the asker's id, or one of the team's."""
    if grant.rows is Rows.ALL:
        return ()
    if (column := owner_column(view, grant)) is None:
        raise NotAllowedError(f"{view.name} does not say whose its rows are, and you do not see them all")
    try:
        ids = [str(UUID(text)) for text in (asker.id, *(asker.team if grant.rows is Rows.TEAM else ()))]
    except ValueError as error:
        raise AskedWrongError("who does not see all rows asks under their own id", parameter="as") from error
    return [Condition(column, AMONG, ",".join(dict.fromkeys(ids)))]


def owner_column(view: View, grant: Grant) -> str | None:
    """The column that says whose a row is."""
    return next((column for column in grant.whose if column in view.columns), None)


def paging_order(view: View, order: Order) -> Order:
    """What tells where in the order a row stands: the columns it names, and the key."""
    named = {column for column, _ in order}
    return [*order, *((column, False) for column in view.key if column not in named)]


def open_rows(disclosure: Disclosure, view: View, rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """By column, opened as far as the grant goes, as they are taken; what is not sealed is not looked at."""
    told = [dict(zip(view.columns, row, strict=True)) for row in rows]
    opened = iter(disclosure.open_each([as_sealed(row[column]) for row in told for column in view.sealed]))
    for row in told:
        for column in view.sealed:
            row[column] = next(opened)
        yield row


def fits(row: Mapping[str, Any], conditions: Iterable[Condition]) -> bool:
    """Whether an opened row is what is asked for."""
    return all(_fits(row, condition) for condition in conditions)


def _fits(row: Mapping[str, Any], condition: Condition) -> bool:
    text = as_text(row[condition.column])
    match condition.operator:
        case "=":
            return text == condition.value
        case "!=":
            return text != condition.value
        case _:
            return condition.value.casefold() in text.casefold()
