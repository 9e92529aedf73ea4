"""Numbers out of texts: exact decimals, whole numbers, minor units."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from adapters.importers.rows import RowError
from domain.money import to_minor

REMEMBERED = 10_000


def decimal_of(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    return _parse(str(value))


@lru_cache(REMEMBERED)
def _parse(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise RowError("is not a number", text) from None
    if not number.is_finite() or "_" in text:  # Python takes 1_000, other readers of the file would not
        raise RowError("is not a number", text)
    return number


def whole_of(value: Any) -> int:
    return _whole(value) if type(value) is str else _whole_number(decimal_of(value), value)


@lru_cache(REMEMBERED)
def _whole(text: str) -> int:
    return _whole_number(_parse(text), text)


def _whole_number(number: Decimal, given: Any) -> int:
    if number != number.to_integral_value():
        raise RowError("is not a whole number", given)
    return int(number)


def json_number_of(value: Any) -> int | float:
    number = decimal_of(value)
    return int(number) if number == number.to_integral_value() else float(number)


def minor_of(currency: str, rounded: bool) -> Callable[[Any], int]:
    @lru_cache(REMEMBERED)
    def minor(given: str | Decimal) -> int:
        amount = decimal_of(given)
        try:
            return to_minor(str(amount), currency, rounded=rounded)
        except ValueError as error:
            raise RowError(f"is no amount in {currency}", amount) from error

    return lambda value: minor(value if type(value) is str else decimal_of(value))
