"""Row filters in CEL, through a library that evaluates it in Rust; bounded so that none can take long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from domain.agreement.commands import AmendAgreement, DraftAgreement
from domain.agreement.terms import TermsError
from domain.execute import Checks
from streams.feeds.filters import VARIABLES, Misfit

if TYPE_CHECKING:
    from types import ModuleType

    import cel

COPYING = ("filter", "map")
LONGEST = 1_000
MOST_LOOPS = 3
OPERATORS = {
    *("_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_[_]", "-_"),
    *("_+_", "_-_", "_*_", "_/_", "_%_", "@not_strictly_false"),
}
FUNCTIONS = {
    *("size", "contains", "startsWith", "endsWith", "int", "double", "string", "timestamp", "duration"),
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getHours"),
}
# no map and no filter: they copy the list for each of its parts; no matches: a pattern would be compiled for each fact
_TEXTS = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')
_UNCLEAR = ("\\", "'''", '"""')  # with them it could not be told by its text where a text ends
_LOOP = re.compile(r"\.\s*(all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
_WHOLE_FACT, _AROUND_DOTS = re.compile(r"(?<![.\w])fact\b"), re.compile(r"\s*\.\s*")
_ANY_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(")


class FilterError(TermsError):
    """The row filter cannot be used."""


class CelFilters:
    """Implements Filters."""

    @cached_property
    def _cel(self) -> ModuleType:
        import cel  # noqa: PLC0415 loads a command line of its own

        return cel

    def compile(self, expression: str) -> CelFilter:
        if len(expression) > LONGEST:
            raise FilterError(f"the row filter is longer than {LONGEST} characters")
        bound = _bound_by_loops(_bare(expression))
        try:
            program: cel.Program = self._cel.compile(expression)
        except ValueError as error:
            raise FilterError(f"the row filter is no CEL: {_told(error)}") from error
        used = program.references()
        if strangers := set(used["variables"]) - {*VARIABLES, *bound}:
            raise FilterError(
                f"the row filter names what there is not: {_list(strangers)}; there is {_list(VARIABLES)}"
            )
        if strangers := set(used["functions"]) - OPERATORS - FUNCTIONS:
            raise FilterError(f"the row filter uses what it may not: {_list(strangers)}")
        return CelFilter(program)

    def row(self, variables: Mapping[str, Any]) -> cel.Context:
        context: cel.Context = self._cel.Context(variables=dict(variables))
        return context


class CelFilter:
    """Implements RowFilter."""

    __slots__ = ("_program",)

    def __init__(self, program: cel.Program) -> None:
        self._program = program

    def matches(self, row: cel.Context) -> bool | Misfit:
        try:
            answer = self._program.execute(row)
        except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            return Misfit(f"{type(error).__name__}: {_told(error)}")
        return answer if isinstance(answer, bool) else Misfit("it answers something else than true or false")


def _told(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0].partition("ERROR: ")[2] or str(error).splitlines()[0]


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _bare(expression: str) -> str:
    """Without what stands in quotes."""
    bare = _TEXTS.sub("''", expression)
    if "//" in bare or any(sign in expression for sign in _UNCLEAR):
        raise FilterError("the row filter has a backslash, three quotes, or a comment; write it without")
    return bare


def _bound_by_loops(bare: str) -> set[str]:
    """The names that loops give to what they go through; FilterError where there are too many, or one in another."""
    loops = list(_LOOP.finditer(bare))
    if len(loops) != len(_ANY_LOOP.findall(bare)) or any(loop[1] in COPYING for loop in loops):
        raise FilterError(f"the row filter uses what it may not: {_list(COPYING)}")
    if len(loops) > MOST_LOOPS:
        raise FilterError(f"the row filter goes through more than {MOST_LOOPS} lists")
    for loop in loops:
        body = bare[loop.end() : _closing(bare, loop.end())]
        if _ANY_LOOP.search(body) or _WHOLE_FACT.search(_AROUND_DOTS.sub(".", body)):
            raise FilterError("for each part of a list the row filter may look at that part alone")
    return {loop[2] for loop in loops}


def _closing(text: str, begin: int) -> int:
    """Where the bracket ends that is open at `begin`."""
    depth = 1
    for at in range(begin, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text)


def row_filter_checks(filters: CelFilters) -> Checks:
    """What an Executor asks before terms are decided."""

    def check(command: DraftAgreement | AmendAgreement) -> None:
        if command.terms.row_filter is not None:
            filters.compile(command.terms.row_filter)

    return {DraftAgreement: check, AmendAgreement: check}
