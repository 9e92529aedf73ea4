"""Compiles the conditions of a mapping into closures over a row."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, assert_never

from adapters.importers import forms
from adapters.importers.numbers import decimal_of
from adapters.importers.rows import Test, Value, text_of

CompileValue = Callable[[forms.Expression], Value]


def compile_condition(condition: forms.Condition, compile_value: CompileValue) -> Test:
    match condition:
        case forms.All():
            tests = [compile_condition(one, compile_value) for one in condition.all]
            return lambda row: all(test(row) for test in tests)
        case forms.AnyOf():
            tests = [compile_condition(one, compile_value) for one in condition.any]
            return lambda row: any(test(row) for test in tests)
        case forms.Not():
            test = compile_condition(condition.not_, compile_value)
            return lambda row: not test(row)
        case forms.Check():
            return _check(condition, compile_value)
        case _:
            assert_never(condition)


def _check(check: forms.Check, compile_value: CompileValue) -> Test:
    compared = forms.Column(column=check.column) if check.column is not None else check.value
    assert compared is not None
    value = compile_value(compared)
    if check.empty is not None:
        empty = check.empty
        return lambda row: (value(row) is None) is empty
    holds = _numeric(check) or _textual(check)
    return lambda row: (found := value(row)) is not None and holds(found)


def _textual(check: forms.Check) -> Callable[[Any], bool]:
    """A missing value fits none of these."""
    if check.equals is not None:
        wanted = (check.equals,)
        return lambda found: text_of(found) in wanted
    if check.one_of is not None:
        several = frozenset(check.one_of)
        return lambda found: text_of(found) in several
    if (start := check.starts_with) is not None:
        return lambda found: text_of(found).startswith(start)
    if (end := check.ends_with) is not None:
        return lambda found: text_of(found).endswith(end)
    part = check.contains
    assert part is not None
    return lambda found: part in text_of(found)


def _numeric(check: forms.Check) -> Callable[[Any], bool] | None:
    comparisons: tuple[tuple[Decimal | None, Callable[[Decimal, Decimal], bool]], ...] = (
        (check.less_than, Decimal.__lt__),
        (check.at_most, Decimal.__le__),
        (check.more_than, Decimal.__gt__),
        (check.at_least, Decimal.__ge__),
    )
    for limit, compare in comparisons:
        if limit is not None:
            return lambda found: compare(decimal_of(found), limit)
    return None
