"""Moments and days out of texts, in the zone where their clock hung."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.importers.errors import MappingError
from adapters.importers.rows import RowError

REMEMBERED = 50_000


def zone_named(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError(f"{name} is no time zone; write one like Europe/Rome") from error


def time_reader(format_: str, zone: ZoneInfo, wall_clock: bool) -> Callable[[Any], datetime]:
    """Reads texts and days; the hour that a clock shows twice in autumn is taken as the first one."""

    @lru_cache(REMEMBERED)
    def read(text: str) -> datetime:
        moment = _parse(text, format_)
        if wall_clock or moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        try:
            return moment.astimezone(UTC)
        except OverflowError:  # year 1 or 9999, and another one in UTC
            raise RowError("is no time that can be kept", text) from None

    def time_of(value: Any) -> datetime:
        if type(value) is str:
            return read(value)
        if isinstance(value, datetime):
            return value
        return read(value.isoformat() if isinstance(value, date) else str(value))

    return time_of


def date_reader(format_: str) -> Callable[[Any], date]:
    @lru_cache(REMEMBERED)
    def read(text: str) -> date:
        return _parse(text, format_).date()

    return lambda value: value if isinstance(value, date) else read(str(value))


def _parse(text: str, format_: str) -> datetime:
    try:
        if format_ == "iso":
            return datetime.fromisoformat(text)
        return datetime.strptime(text, format_)  # noqa: DTZ007 the zone is the caller's
    except ValueError:
        wanted = "ISO 8601, like 2026-03-01 12:00:00" if format_ == "iso" else format_
        raise RowError(f"is no time of the form {wanted}", text) from None
