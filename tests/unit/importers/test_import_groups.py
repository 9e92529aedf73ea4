"""Rows that belong together, also when they do not stand together; counting in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from adapters.importers import groups
from adapters.importers.errors import ScatteredError
from adapters.importers.groups import Gatherer, count_runs
from adapters.importers.rows import Row
from adapters.importers.tally import Tally


def rows_of(keys: str) -> list[Row]:
    """One row for each letter; `?` cannot be read, a blank has no key."""
    return [Row([key], seq, "broken" if key == "?" else None) for seq, key in enumerate(keys, start=1)]


def key(row: Row) -> str | None:
    return row.values[0].strip() or None


def gathered(keys: str) -> list[tuple[str, list[int], str | None]]:
    """Each group as key, row numbers, flaw, in the order in which it was complete."""
    gatherer = Gatherer(key, count_runs(rows_of(keys), key))
    done = [group for row in rows_of(keys) if (group := gatherer.take(row))]
    return [(g.rows[0].values[0], [row.number for row in g.rows], g.flaw) for g in [*done, *gatherer.finish()]]


def numbers(groups: Iterable[tuple[str, list[int], str | None]]) -> dict[str, list[int]]:
    return {name: found for name, found, _ in groups}


def test_neighbours_with_one_key_are_a_group() -> None:
    assert numbers(gathered("aabbb")) == {"a": [1, 2], "b": [3, 4, 5]}


def test_a_key_that_comes_back_waits_for_its_last_row() -> None:
    found = gathered("aabbacca")
    assert numbers(found) == {"b": [3, 4], "c": [6, 7], "a": [1, 2, 5, 8]}


def test_any_order_gives_the_same_groups() -> None:
    assert numbers(gathered("abcabc")) == {"a": [1, 4], "b": [2, 5], "c": [3, 6]}


def test_no_rows_are_no_groups() -> None:
    assert gathered("") == []


def test_a_row_without_a_key_is_refused_alone() -> None:
    found = gathered("a aa")
    assert (" ", [2], "a column that rows are grouped by is blank") in found
    assert ("a", [1, 3, 4], None) in found


def test_a_row_that_cannot_be_read_puts_its_neighbours_in_doubt() -> None:
    found = {name: flaw for name, _, flaw in gathered("aab?bcc")}
    assert found == {"a": None, "b": "row 4 beside it cannot be read, and may belong to it", "c": None}
    at_the_edge = {name: bool(flaw) for name, _, flaw in gathered("aa?bbcc")}
    assert at_the_edge == {"a": True, "b": True, "c": False}


def test_rows_too_far_apart_stop_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_HELD", 3)
    with pytest.raises(ScatteredError, match="sort the file"):
        gathered("abcdeabcde")


def test_counting_is_exact_beyond_the_memory() -> None:
    tally = Tally(in_memory=3)
    assert [tally.count(letter) for letter in "abcabcdeabcdea"] == [1, 1, 1, 2, 2, 2, 1, 1, 3, 3, 3, 2, 2, 4]
    tally.close()
