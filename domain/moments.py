"""Moments: the times that can be told, and those of old ledgers that can only be read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ValidationInfo

# A time that is missing comes as year 1 (.NET), 1601 (Windows), 1753 (SQL Server) or 1899 (spreadsheets), a year of two
# digits as 0026: all before 1900, when nothing happened that a customer's file tells of.
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)  # still in year 9999 in every zone: later ones Python cannot show
EARLIEST_READ = datetime(1, 1, 2, tzinfo=UTC)  # in year 1 in every zone
STORED: Mapping[str, bool] = {"stored": True}
"""The context in which what is stored is validated: nothing of it is refused, or it could not be read any more."""


def is_tellable(time: datetime) -> bool:
    """Of an aware time."""
    return FIRST <= time <= LAST


def within_reach(time: datetime) -> datetime:
    """The nearest time that can be shown in every zone: older releases stored others."""
    return min(max(time, EARLIEST_READ), LAST)


def _is_stored(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.get("stored"))


def _is_no_number(value: Any, info: ValidationInfo) -> Any:
    """Pydantic takes `2026` for seconds since 1970."""
    if not _is_stored(info) and not isinstance(value, datetime) and _is_number(value):
        raise ValueError("write a time with its zone, like 2026-03-01T12:00:00Z")
    return value


def _is_number(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True


def _can_be_told(time: datetime, info: ValidationInfo) -> datetime:
    if _is_stored(info):
        return within_reach(time)
    if not is_tellable(time):
        raise ValueError(f"write a time from {FIRST:%Y-%m-%d} to {LAST:%Y-%m-%d}, or leave it out")
    return time


Moment = Annotated[AwareDatetime, BeforeValidator(_is_no_number), AfterValidator(_can_be_told)]
"""A time in a command or a fact."""
