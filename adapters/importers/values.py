"""Compiles the values of a mapping into closures over a row; None is a missing value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, reduce
from operator import add, mul, sub
from typing import Any, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from adapters.importers import forms
from adapters.importers.conditions import compile_condition
from adapters.importers.errors import MappingError
from adapters.importers.numbers import decimal_of, json_number_of, minor_of, whole_of
from adapters.importers.rows import Row, RowError, Test, Value, text_of
from adapters.importers.scope import Scope
from adapters.importers.times import date_reader, time_reader, zone_named
from domain.money import MINOR_DIGITS

CompiledFields = Callable[[Row], dict[str, Any]]
CompiledKey = Callable[[Row], str | None]

BETWEEN_PARTS = "\0"  # a row with a NUL is refused, so that joined parts stay apart


def compile_value(form: forms.Expression, scope: Scope) -> Value:
    match form:
        case forms.Column():
            return _column(form, scope)
        case forms.Lookup():
            return _lookup(form, scope)
        case forms.Id():
            return _id(form, scope)
        case forms.ShortId():
            return _short_id(compile_value(form.short_id, scope))
        case forms.FirstOf():
            return _first_of(_all(form.first_of, scope))
        case forms.Join():
            return _join(_all(form.join, scope), form.between)
        case forms.Choose():
            return _choose(form, scope)
        case forms.Time():
            zone = zone_named(form.zone) if form.zone else scope.time_zone
            return _present(compile_value(form.time, scope), time_reader(form.format, zone, form.wall_clock))
        case forms.Date():
            return _present(compile_value(form.date, scope), date_reader(form.format))
        case forms.Occurrence():
            scope.require("occurrence", "`identical` in the file", scope.counted)
            return lambda row: row.repeat
        case forms.RowNumber():
            return lambda row: row.number
        case forms.Each():
            scope.require("each", 'per = "group" in the rule', scope.grouped)
            return _each(compile_fields(form.each, scope))
        case forms.Object():
            return compile_fields(form.object, scope)
        case forms.Items():
            return _list(_all(form.list, scope))
        case str() | bool() | int() | Decimal() | datetime() | date():
            return _constant(form, scope.time_zone)
        case _:
            return _compile_number(form, scope)


def _compile_number(form: forms.Arithmetic, scope: Scope) -> Value:
    match form:
        case forms.Whole():
            return _present(compile_value(form.whole, scope), whole_of)
        case forms.Number():
            return _present(compile_value(form.number, scope), json_number_of)
        case forms.DecimalText():
            return _present(compile_value(form.decimal, scope), lambda value: format(decimal_of(value), "f"))
        case forms.Minor():
            return _minor(form, scope)
        case forms.Sum():
            return _fold(add, _all(form.add, scope))
        case forms.Difference():
            return _fold(sub, _all(form.subtract, scope))
        case forms.Product():
            return _fold(mul, _all(form.multiply, scope))
        case forms.Negative():
            return _present(compile_value(form.negate, scope), lambda value: -decimal_of(value))
        case forms.Absolute():
            return _present(compile_value(form.absolute, scope), lambda value: abs(decimal_of(value)))
        case _:
            assert_never(form)


def compile_fields(written: Mapping[str, forms.Expression], scope: Scope) -> CompiledFields:
    """Fields with the values that are not missing; an error names its field."""
    values = [(name, compile_value(form, scope)) for name, form in written.items()]
    constants = {name: value.given for name, value in values if isinstance(value, Constant)}
    computed = [(name, value) for name, value in values if name not in constants]

    def fields(row: Row) -> dict[str, Any]:
        filled: dict[str, Any] = constants.copy()
        name = ""
        try:
            for name, value in computed:
                if (given := value(row)) is not None:
                    filled[name] = given
        except RowError as error:
            raise error.within(name) from None
        return filled

    return fields


def compile_test(written: forms.Condition, scope: Scope) -> Test:
    return compile_condition(written, lambda form: compile_value(form, scope))


def compile_key(written: Sequence[forms.Expression], scope: Scope) -> CompiledKey:
    """The values joined into one text; None when one of them is missing."""
    if len(written) == 1:
        only = compile_value(written[0], scope)
        return lambda row: None if (value := only(row)) is None else text_of(value)
    return scope.shared(f"key {written!r}", lambda: _joined(_all(written, scope)))


def _joined(parts: Sequence[Value]) -> CompiledKey:
    def key(row: Row) -> str | None:
        values = [part(row) for part in parts]
        if None in values:
            return None
        return BETWEEN_PARTS.join([value if type(value) is str else text_of(value) for value in values])

    return key


def _all(written: Sequence[forms.Expression], scope: Scope) -> list[Value]:
    return [compile_value(form, scope) for form in written]


def _present(value: Value, then: Callable[[Any], Any]) -> Value:
    return lambda row: None if (found := value(row)) is None else then(found)


class Constant:
    """The same value for every row."""

    __slots__ = ("given",)

    def __init__(self, given: Any) -> None:
        self.given = given

    def __call__(self, _: Row) -> Any:
        return self.given


def _constant(form: forms.Constant, zone: ZoneInfo) -> Constant:
    return Constant(form.replace(tzinfo=zone) if isinstance(form, datetime) and form.tzinfo is None else form)


def _column(form: forms.Column, scope: Scope) -> Value:
    index, change = scope.index(form.column), _change(form, scope)
    if change is None:
        return lambda row: row.values[index].strip() or None
    return lambda row: change(text) if (text := row.values[index].strip()) else None


def _lookup(form: forms.Lookup, scope: Scope) -> Value:
    table, key, change = scope.table(form.lookup), compile_key(form.key, scope), _change(form, scope)
    if form.take not in table.columns:
        raise MappingError(lookup=form.lookup, take=form.take, columns=", ".join(table.columns))
    index, rows = table.columns[form.take], table.rows

    def find(row: Row) -> Any:
        found = None if (sought := key(row)) is None else rows.get(sought)
        text = found.values[index].strip() if found else ""
        return (change(text) if change else text) if text else None

    return find


def _change(form: forms.Changed, scope: Scope) -> Callable[[str], str | None] | None:
    """How a text is changed; None when it stays as it is."""
    if not form.model_fields_set & set(forms.Changed.model_fields):
        return None
    table = scope.map_named(form.map) if isinstance(form.map, str) else form.map

    @lru_cache(10_000)
    def change(text: str) -> str | None:
        if text in form.empty_as:
            return None
        text = text.removeprefix(form.remove_prefix).removesuffix(form.remove_suffix).strip()
        if form.case:
            text = text.upper() if form.case == "upper" else text.lower()
        if table is not None:
            if form.unmapped == "refuse" and text not in table:
                raise RowError("is not in the map", text)
            text = table.get(text, text)
        return text or None

    return change


def _id(form: forms.Id, scope: Scope) -> Value:
    """Ids of one part come back often and are remembered; of several, they are the row's own, and shared in the row."""
    namespace, key = form.id, compile_key(form.of, scope)
    if len(form.of) > 1:
        derive = scope.derive_id
        make: Value = lambda row: None if (text := key(row)) is None else derive(namespace, text)  # noqa: E731 as below
        return scope.shared(f"id {form!r}", lambda: make)
    again = scope.derive_again
    if isinstance(form.of[0], str):
        return Constant(again(namespace, form.of[0]))
    return lambda row: None if (text := key(row)) is None else again(namespace, text)


def _short_id(value: Value) -> Value:
    return _present(value, lambda found: (found.hex if type(found) is UUID else str(found).replace("-", ""))[:12])


def _first_of(values: Sequence[Value]) -> Value:
    return lambda row: next((found for value in values if (found := value(row)) is not None), None)


def _join(values: Sequence[Value], between: str) -> Value:
    def join(row: Row) -> str | None:
        found = [text_of(given) for value in values if (given := value(row)) is not None]
        return between.join(found) or None

    return join


def _choose(form: forms.Choose, scope: Scope) -> Value:
    cases = [(compile_test(case.when, scope), compile_value(case.then, scope)) for case in form.choose]
    otherwise = None if form.otherwise is None else compile_value(form.otherwise, scope)

    def choose(row: Row) -> Any:
        for when, then in cases:
            if when(row):
                return then(row)
        return otherwise(row) if otherwise else None

    return choose


def _each(fields: CompiledFields) -> Value:
    return lambda row: [fields(member) for member in row.group]


def _list(values: Sequence[Value]) -> Value:
    return lambda row: [given for value in values if (given := value(row)) is not None]


def _minor(form: forms.Minor, scope: Scope) -> Value:
    if form.currency not in MINOR_DIGITS:
        raise MappingError(currency=form.currency)
    return _present(compile_value(form.minor, scope), minor_of(form.currency, form.rounded))


def _fold(operation: Callable[[Decimal, Decimal], Decimal], values: Sequence[Value]) -> Value:
    def fold(row: Row) -> Decimal | None:
        given = [value(row) for value in values]
        return None if None in given else reduce(operation, map(decimal_of, given))

    return fold
