"""What folds of many read models need of a row: that it was begun, and that a fact changes what it gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from domain.errors import RelatoError
from domain.event import Event
from domain.fact import Fact
from domain.money import Money

Row = TypeVar("Row", bound=tuple[Any, ...])


class RowMissingError(RelatoError):
    """A fact goes on with a row that no earlier fact has begun: the fold does not know the domain's rules."""


def begun(row: Row | None, event: Event) -> Row:
    """Raises RowMissingError, so that the event is parked."""
    if row is None:
        raise RowMissingError(type=event.type, stream_id=event.stream_id)
    return row


def amend(row: Row, fact: Fact, names: Iterable[str]) -> Row:
    """The row with what the fact gives under these names; what it leaves out stays."""
    told = {name: value for name in names if (value := getattr(fact, name)) is not None}
    changed: Row = cast("Any", row)._replace(**told)
    return changed


def in_columns(
    money: Money | None, before: tuple[int | None, str | None] = (None, None)
) -> tuple[int | None, str | None]:
    """Money as two columns, the amount in minor units and the currency; without any, what was there before."""
    return before if money is None else (money.amount_minor, money.currency)
