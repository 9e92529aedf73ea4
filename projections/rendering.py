"""Values as they leave: as text that a person reads, and as JSON, with what is erased or withheld marked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from domain.personal import ERASED, Sealed
from projections.disclosure import PLAIN, WITHHELD, concealed

T = TypeVar("T")
MOST_TEXT = 32 * 1024 * 1024  # characters that one answer tells: a text may have 16 MiB, and a page 1,000 of them
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
ERASED_TEXT, WITHHELD_TEXT, SEALED_TEXT = "(erased)", "(withheld)", "(sealed)"


def as_text(value: Any) -> str:
    """A value as a person reads it; nothing for None."""
    if value is None:
        return ""
    if value is ERASED:
        return ERASED_TEXT
    if value is WITHHELD:
        return WITHHELD_TEXT
    if isinstance(value, Sealed):
        return SEALED_TEXT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, dict):
        return ", ".join(f"{name} {as_text(part)}" for name, part in value.items() if part is not None)
    if isinstance(value, list | tuple):
        return "; ".join(as_text(part) for part in value)
    return str(value)


def in_cell(value: Any) -> str:
    """A value as a cell of CSV: no spreadsheet takes a text for a formula, a number stays one."""
    text = as_text(value)
    return f"'{text}" if text.startswith(FORMULAS) and not isinstance(value, int | float | Decimal) else text


def marked(thing: Mapping[str, Any], among: Iterable[str] | None = None) -> Mapping[str, Any]:
    """What is erased or withheld is null, and its path stands under `_erased` or `_withheld`.

    `among`: it can only be in these columns.
    """
    names = thing.keys() if among is None else among
    looked_at = {name: thing[name] for name in names if type(thing[name]) not in PLAIN}
    if not looked_at:
        return thing
    shown, erased, withheld = concealed(looked_at)
    if not erased and not withheld:
        return thing
    more = {"_erased": erased, "_withheld": withheld}
    return {**thing, **shown, **{name: paths for name, paths in more.items() if paths}}


def text_in(told: Mapping[str, Any]) -> int:
    """How much text is told, in characters."""
    return sum([len(part) for part in told.values() if isinstance(part, str)])


def as_many_as_fit(things: Iterable[tuple[T, Mapping[str, Any]]]) -> list[tuple[T, Mapping[str, Any]]]:
    """The first things, with what is told of each, until that is as much text as is told at once; one at least."""
    found, size = list[tuple[T, Mapping[str, Any]]](), 0
    for thing, told in things:
        found.append((thing, told))
        if (size := size + text_in(told)) > MOST_TEXT:
            break
    return found


def json_line(thing: Any) -> str:
    """One line, `marked`."""
    told = marked(thing) if isinstance(thing, Mapping) else concealed(thing)[0]
    return json.dumps(told, ensure_ascii=False, default=_json_value)


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
