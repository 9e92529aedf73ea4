"""Periods: from a time on, until another that they leave out."""

from __future__ import annotations

from datetime import datetime

from domain.errors import InvalidError


def holds(valid_from: datetime, valid_until: datetime | None, at: datetime) -> bool:
    return valid_from <= at and (valid_until is None or at < valid_until)


def require_period(valid_from: datetime | None, valid_until: datetime | None) -> None:
    """Raises InvalidError for one that ends before it begins."""
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise InvalidError("it would end before it begins", valid_from=valid_from, valid_until=valid_until)
