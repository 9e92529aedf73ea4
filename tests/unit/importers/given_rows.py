"""Given rows and a piece of a mapping, what it gives."""

from __future__ import annotations

import io
import tomllib
import zlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from adapters.importers.csv_file import CsvFile
from adapters.importers.forms import Condition, Expression
from adapters.importers.language import CsvSettings
from adapters.importers.rows import Row
from adapters.importers.scope import Scope
from adapters.importers.values import compile_test, compile_value

EXPRESSION: TypeAdapter[Any] = TypeAdapter(Expression)
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
MAPS = {"colours": {"rd": "red", "grn": "green"}}


def derive_id(namespace: str, natural_key: str) -> UUID:
    return UUID(int=zlib.crc32(f"{namespace} {natural_key}".encode()))


def scope_of(*columns: str, **more: Any) -> Scope:
    return Scope("file.csv", columns, ZoneInfo("Europe/Rome"), derive_id, MAPS, **more)


def written(form: str) -> Any:
    return tomllib.loads(f"form = {form}", parse_float=Decimal)["form"]


def value_of(form: str, **columns: str) -> Any:
    """What an expression, as it stands in a mapping, gives for a row with these columns."""
    scope = scope_of(*columns, grouped=True, counted=True)
    return compile_value(EXPRESSION.validate_python(written(form)), scope)(row_of(*columns.values()))


def holds(condition: str, **columns: str) -> bool:
    scope = scope_of(*columns)
    return compile_test(CONDITION.validate_python(written(condition)), scope)(row_of(*columns.values()))


def row_of(*values: str) -> Row:
    row = Row(list(values), 1)
    row.group = [row]
    return row


def rows_in(content: str | bytes, **settings: Any) -> list[Row]:
    data = content.encode() if isinstance(content, str) else content
    return list(CsvFile(io.BytesIO(data), CsvSettings(**settings), "file.csv"))


def values_in(content: str | bytes, **settings: Any) -> list[Sequence[str]]:
    return [row.values for row in rows_in(content, **settings)]
