"""A command's fields as options: their names, what they take, and their values as they are typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo

from adapters.cli.refusals import WrongUseError
from adapters.giving import plain_type
from domain.decider import Command
from domain.money import Money

LARGEST_BYTES = 32 * 1024 * 1024  # of a value that comes from a file; each field has its own bound below that


class Field(NamedTuple):
    """One field of a command as an option."""

    name: str
    option: str
    metavar: str
    help: str
    is_list: bool
    takes_json: bool


def fields_of(command: type[Command]) -> Sequence[Field]:
    return [_field(name, field) for name, field in command.model_fields.items()]


def option_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def _field(name: str, field: FieldInfo) -> Field:
    kind = plain_type(field.annotation)
    is_list = get_origin(kind) is tuple
    item = plain_type(get_args(kind)[0]) if is_list else kind
    is_model = isinstance(item, type) and issubclass(item, BaseModel) and item is not Money
    needed = "" if not field.is_required() else "needed"
    default = f"{field.default} unless given" if field.default not in (None, ()) and not field.is_required() else ""
    parts = (_explain(item, is_model=is_model, is_list=is_list), needed, default)
    told = "; ".join(part for part in parts if part)
    takes_json = is_model or item is JsonValue or kind is JsonValue
    return Field(name, option_of(name), _metavar(item, is_model=is_model), told, is_list, takes_json)


def _metavar(kind: Any, *, is_model: bool) -> str:
    if is_model or kind is JsonValue:
        return "JSON"
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "|".join(kind)
    names: dict[Any, str] = {UUID: "ID", Money: "MONEY", date: "DATE", bool: "true|false", int: "NUMBER"}
    return names.get(kind, "TEXT")


def _explain(kind: Any, *, is_model: bool, is_list: bool) -> str:
    if kind is Money:
        return 'like "12.34 EUR"'
    if kind is date:
        return "like 2026-12-31"
    if is_model:
        inner = ", ".join(name if field.is_required() else f"{name}?" for name, field in kind.model_fields.items())
        return f"a JSON list of objects with {inner}" if is_list else f"a JSON object with {inner}"
    return "may be given several times" if is_list else ""


def read_value(field: Field, typed: str | Sequence[str]) -> Any:
    """What the command takes for what was typed: `@file` is the file's content, `@@` a text that begins with @."""
    if field.is_list:
        return [item for text in typed for item in _read_items(field, read_text(field.option, text))]
    assert isinstance(typed, str)
    text = read_text(field.option, typed)
    return _read_json(field, text) if field.takes_json else text


def _read_items(field: Field, text: str) -> Sequence[Any]:
    if not text.lstrip().startswith(("[", "{")):
        return [text]
    found = _read_json(field, text)
    return found if isinstance(found, list) else [found]


def _read_json(field: Field, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        if field.metavar == "JSON" and text.lstrip()[:1] in ("[", "{"):
            raise WrongUseError([f"{field.option}: this is no JSON ({error})"]) from error
        return text


def read_text(option: str, typed: str) -> str:
    if typed.startswith("@@"):
        typed = typed[1:]
    elif typed.startswith("@"):
        return _read_file(option, typed[1:])
    try:
        typed.encode()
    except UnicodeEncodeError as error:
        raise WrongUseError([f"{option}: the text is not valid UTF-8"]) from error
    return typed


def _read_file(option: str, name: str) -> str:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(LARGEST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        hint = "write @@ for a text that begins with @"
        raise WrongUseError([f"{option}: {name}: {(error.strerror or '').lower()}; {hint}"]) from error
    if len(content) > LARGEST_BYTES:
        raise WrongUseError([f"{option}: {name} is larger than {LARGEST_BYTES >> 20} MiB; no field takes so much"])
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise WrongUseError([f"{option}: {name} is not valid UTF-8 (byte {error.start})"]) from error


def make(command: type[Command], values: Mapping[str, Any]) -> Command:
    """Raises WrongUseError with a line for each field that is wrong; no value is repeated in it."""
    try:
        return command.model_validate(dict(values))
    except ValidationError as error:
        raise WrongUseError(list(_faults(error))) from error


def _faults(error: ValidationError) -> Iterator[str]:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    for fault in faults:
        if any(other["loc"][: len(fault["loc"])] == fault["loc"] and other is not fault for other in faults):
            continue  # what is wrong inside says it better
        path = [str(step) for step in fault["loc"]]
        where = " ".join([option_of(path[0]), *path[1:2], *path[2:]]) if path else "the command"
        message = "is needed" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        yield f"{where}: {message.replace('Input should', 'should')}"
