"""A row of a file, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any


class RowError(Exception):
    """The row cannot be taken as it is. `reason` is the same for all with this trouble, the text names the value."""

    def __init__(self, reason: str, value: object = None, field: str = "") -> None:
        self.reason, self.value = f"{field}: {reason}" if field else reason, value
        text = reason if value is None else f"{str(value)[:80]!r} {reason}"
        super().__init__(f"{field}: {text}" if field else text)

    def within(self, field: str) -> RowError:
        """The same, with the field in which it happened."""
        error = RowError(f"{field}: {self.reason}")
        error.args = (f"{field}: {self}",)
        return error


class Row:
    """Values as text, in the order of the file's columns.

    `seq` counts the rows of the file at hand from 1; `number` is the row's own, which a file of rejects keeps from
    the original. `flaw` says why the row cannot be read. `repeat` counts identical rows; `group` are the rows bound
    to this one. A file of rejects also gives the one rule that a row is for, and the identity it had.
    """

    __slots__ = ("flaw", "group", "identity", "number", "only_rule", "repeat", "seq", "values")

    def __init__(self, values: Sequence[str], seq: int, flaw: str | None = None) -> None:
        self.values, self.seq, self.number, self.flaw = values, seq, seq, flaw
        self.repeat: int | str = 1
        self.group: Sequence[Row] = ()
        self.only_rule: str | None = None
        self.identity: str | None = None


Value = Callable[[Row], Any]
Test = Callable[[Row], bool]


def text_of(value: Any) -> str:
    if type(value) is str:
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
