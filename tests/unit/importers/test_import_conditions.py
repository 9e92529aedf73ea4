"""Which rows a condition lets through."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.importers.rows import RowError
from tests.unit.importers.given_rows import CONDITION, holds, written


def test_equal_texts() -> None:
    assert holds('{ column = "stage", equals = "Won" }', stage="Won ")
    assert not holds('{ column = "stage", equals = "Won" }', stage="Lost")


def test_one_of_several_texts() -> None:
    assert holds('{ column = "stage", one_of = ["Won", "Lost"] }', stage="Lost")
    assert not holds('{ column = "stage", one_of = ["Won", "Lost"] }', stage="Engaging")


def test_beginnings_endings_and_parts() -> None:
    assert holds('{ column = "n", starts_with = "C" }', n="C536379")
    assert holds('{ column = "n", ends_with = "79" }', n="C536379")
    assert holds('{ column = "n", contains = "363" }', n="C536379")
    assert not holds('{ column = "n", starts_with = "C" }', n="536379")


def test_blank_and_not_blank() -> None:
    assert holds('{ column = "n", empty = true }', n=" ")
    assert holds('{ column = "n", empty = false }', n="x")
    assert not holds('{ column = "n", empty = false }', n="")


@pytest.mark.parametrize(
    ("comparison", "fitting"),
    [("less_than", ["1"]), ("at_most", ["1", "2"]), ("more_than", ["10"]), ("at_least", ["2", "10"])],
)
def test_numbers_are_compared_as_numbers(comparison: str, fitting: list[str]) -> None:
    condition = f'{{ column = "n", {comparison} = 2 }}'
    assert [n for n in ("1", "2", "10") if holds(condition, n=n)] == fitting


def test_a_missing_value_fits_no_comparison() -> None:
    assert not holds('{ column = "n", less_than = 2 }', n="")
    assert not holds('{ column = "n", equals = "x" }', n="")


def test_a_text_compared_with_a_number_rejects_the_row() -> None:
    with pytest.raises(RowError, match="'many' is not a number"):
        holds('{ column = "n", less_than = 2 }', n="many")


def test_conditions_combine() -> None:
    both = '{ all = [{ column = "a", equals = "1" }, { not = { column = "b", equals = "2" } }] }'
    assert holds(both, a="1", b="3")
    assert not holds(both, a="1", b="2")
    either = '{ any = [{ column = "a", equals = "1" }, { column = "b", equals = "2" }] }'
    assert holds(either, a="0", b="2")
    assert not holds(either, a="0", b="0")


def test_a_computed_value_is_compared() -> None:
    assert holds('{ value = { multiply = [{ column = "q" }, { column = "p" }] }, more_than = 5 }', q="2", p="3")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ('{ column = "a" }', "a condition has one comparison"),
        ('{ column = "a", equals = "1", empty = true }', "a condition has one comparison"),
        ('{ column = "a", value = 1, equals = "1" }', "either a column or a value"),
        ('{ col = "a", equals = "1" }', "write a condition"),
        ('{ column = "a", like = "1" }', "Extra inputs are not permitted"),
    ],
)
def test_a_condition_that_is_not_right_is_told(condition: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CONDITION.validate_python(written(condition))
