"""How the values of a column travel: whole columns as binary arrays, arrays and JSON as text that the server casts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from projections.engine.packing import Packed, pack

_write_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


class Column(NamedTuple):
    """A column of a table: how it is sent in an array of values, cast there, and made of what is loaded.

    `encode` and `decode` are None where psycopg does it.
    """

    name: str
    type: str
    sent_as: str
    encode: Callable[[Any], str] | None = None
    decode: Callable[[Any], Any] | None = None

    @classmethod
    def of(cls, name: str, type_: str) -> Column:
        """By PostgreSQL's name of the type, as format_type answers it."""
        if type_ in {"json", "jsonb"}:
            return cls(name, type_, "text", encode_json, freeze)
        if type_.endswith("[]"):
            return cls(name, type_, "text", encode_array, freeze)
        return cls(name, type_, type_)

    @property
    def array_parameter(self) -> str:
        return f"%b::{self.sent_as}[]"

    @property
    def cast(self) -> str:
        return self.name if self.sent_as == self.type else f"{self.name}::{self.type}"

    def send(self, values: Sequence[Any]) -> list[Any] | Packed:
        """As the parameter of `array_parameter`."""
        if encode := self.encode:
            values = [None if value is None else encode(value) for value in values]
        return pack(self.sent_as, values) or list(values)


def freeze(value: Any) -> Any:
    """Arrays as tuples, at every depth: what is loaded must equal what was folded."""
    if isinstance(value, list):
        return tuple(map(freeze, value))
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return value


def encode_json(value: Any) -> str:
    """TypeError for a list: it would come back as a tuple."""
    _require_tuples(value)
    return _write_json(value)


def encode_array(value: Any) -> str:
    """The text form of a one-dimensional array; TypeError for a list: it would come back as a tuple."""
    _require_tuples(value)
    return "{" + ",".join(map(_encode_element, value)) + "}"


def _encode_element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (str, UUID)):
        text = str.__str__(value) if isinstance(value, str) else str(value)
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (bool, int, float)):
        return str(value)
    return f'"{value.isoformat()}"'


def _require_tuples(value: Any) -> None:
    if isinstance(value, list):
        raise TypeError("a row holds tuples, not lists")
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        for item in value:
            _require_tuples(item)
