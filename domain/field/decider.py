"""The rules for a company's own fields, and for the values that customers are given under them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from pydantic import JsonValue

from domain.customer.commands import SetField
from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.field.commands import AmendField, DefineField, FieldCommand, RetireField
from domain.field.facts import FieldAmended, FieldDefined, FieldFact, FieldRetired, FieldType
from domain.text import LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class Field:
    """What the rules need to know of a field: its details are the name and the choices."""

    type: FieldType | None = None
    clear: bool = False
    choices: tuple[str, ...] = ()
    details: Details = NOTHING
    retired: bool = False


UNKNOWN = Field()


def decide(command: FieldCommand, field: Field) -> Sequence[FieldFact]:
    if isinstance(command, DefineField):
        if field.type is not None:
            raise ExistsError(field=command.field_id)
        _require_choices(command.type, command.choices)
        return [fact_of(FieldDefined, command)]
    if field.type is None:
        raise UnknownError(field=command.field_id)
    match command:
        case AmendField(choices=choices):
            _require_usable(field)
            if choices is not None:
                _require_choices(field.type, choices)
            return changes(FieldAmended, command, field.details)
        case RetireField():
            return [] if field.retired else [FieldRetired()]
        case _:
            assert_never(command)


def _require_choices(type_: FieldType, choices: Sequence[str]) -> None:
    if (type_ is FieldType.CHOICE) != bool(choices):
        raise InvalidError("choices belong to a field of type choice, and it needs some", type=type_)


def _require_usable(field: Field) -> None:
    if field.retired:
        raise ConflictError("the field was retired")


def guard_value(command: SetField, field: Field) -> Sequence[FieldFact]:
    """For commands that give a customer a field's value: writes nothing.

    A clear value must fit the field's type. A sealed one cannot be looked into, so its type is the caller's word.
    """
    if field.type is None:
        raise UnknownError(field=command.field_id)
    _require_usable(field)
    if field.clear != (command.clear is not None):
        kept = "clear" if field.clear else "sealed: give it as value"
        raise InvalidError(f"the field is kept {kept}", field=command.field_id)
    if field.clear and not _fits(command.clear, field.type, field.choices):
        raise InvalidError("the value does not fit the field", field=command.field_id, type=field.type)
    return []


def _fits(value: JsonValue, type_: FieldType, choices: Sequence[str]) -> bool:
    match type_:
        case FieldType.TEXT:
            return isinstance(value, str) and len(value) <= LONGEST_TEXT and "\0" not in value
        case FieldType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.BOOLEAN:
            return isinstance(value, bool)
        case FieldType.DATE:
            return isinstance(value, str) and _is_date(value)
        case FieldType.CHOICE:
            return value in choices
        case _:
            assert_never(type_)


def _is_date(text: str) -> bool:
    with suppress(ValueError):
        return date.fromisoformat(text).isoformat() == text
    return False


def evolve(field: Field, fact: FieldFact) -> Field:
    details = learn(field.details, fact, FieldAmended.model_fields)
    match fact:
        case FieldDefined(type=type_, clear=clear, choices=choices):
            return Field(type_, clear, choices, details)
        case FieldAmended(choices=choices):
            return replace(field, details=details, choices=field.choices if choices is None else choices)
        case FieldRetired():
            return replace(field, retired=True)
        case _:
            assert_never(fact)


field = Decider("field", UNKNOWN, decide, evolve)
usable = Decider("field", UNKNOWN, guard_value, evolve)

ADDRESSED = (Target(field, "field_id"),)
REGISTRATIONS = tuple(Registration(command, ADDRESSED) for command in (DefineField, AmendField, RetireField))
