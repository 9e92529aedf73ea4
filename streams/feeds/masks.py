"""Masks: how much of a value is left. What a mask cannot be applied to is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast

from domain.agreement.terms import Mask

_DATE = re.compile(r"(\d{4})-(\d{2})")


def mask(value: Any, masks: Sequence[Mask]) -> Any:
    """With all of them, one after the other; of what holds values, each."""
    for one in masks:
        value = _mask(value, MASKS[one])
    return value


def _mask(value: Any, leave: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _mask(part, leave) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(part, leave) for part in cast("Sequence[Any]", value)]
    return leave(value)


def _year(value: Any) -> str | None:
    return (_moment(value) or "")[:4] or None


def _month(value: Any) -> str | None:
    return (_moment(value) or "")[:7] or None


def _moment(value: Any) -> str | None:
    found = _DATE.match(value.isoformat() if isinstance(value, date) else str(value))
    return found[0] if found else None


def _first_letter(value: Any) -> str | None:
    return f"{value.strip()[:1]}…" if isinstance(value, str) else None


def _mail_domain(value: Any) -> str | None:
    return value.rpartition("@")[2].strip() if isinstance(value, str) and "@" in value else None


def _country(value: Any) -> str | None:
    return value.rpartition(",")[2].strip() if isinstance(value, str) and "," in value else None


def _first_digit(value: Any) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    digits = str(abs(value))
    size = int(digits[0] + "0" * (len(digits) - 1))
    return -size if value < 0 else size


MASKS: Mapping[Mask, Callable[[Any], Any]] = {
    Mask.YEAR: _year,
    Mask.MONTH: _month,
    Mask.FIRST_LETTER: _first_letter,
    Mask.MAIL_DOMAIN: _mail_domain,
    Mask.COUNTRY: _country,
    Mask.FIRST_DIGIT: _first_digit,
}
