"""Times as they are typed and shown."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from adapters.cli.refusals import WrongUseError


def parse_time(option: str, typed: str | None) -> datetime | None:
    """ISO 8601 with its offset; a time without one is refused, for nobody knows whose noon it was."""
    if typed is None:
        return None
    try:
        time = datetime.fromisoformat(typed)
    except ValueError as error:
        raise WrongUseError([f"{option}: write a time like 2026-03-31T14:30:00+02:00"]) from error
    if time.tzinfo is None:
        raise WrongUseError([f"{option}: the time needs its offset, like 2026-03-31T14:30:00Z or …+02:00"])
    return time


def show_time(time: datetime, zone: ZoneInfo) -> str:
    return time.astimezone(zone).isoformat(sep=" ", timespec="seconds")
