"""A cursor is read back by who wrote it, for the same question."""

from __future__ import annotations

import pytest

from adapters.http.cursors import CursorError, read_cursor, write_cursor
from adapters.memory.vault import memory_vault

PLACE = ["2026-03-01 09:00:00+00:00", None, "Olá"]


def test_a_place_is_read_back() -> None:
    vault = memory_vault()
    assert read_cursor(vault, "asked", write_cursor(vault, "asked", PLACE)) == PLACE


def test_another_question_another_installation_or_a_changed_text_is_refused() -> None:
    vault = memory_vault()
    cursor = write_cursor(vault, "asked", PLACE)
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for keeper, asked, text in (
        (vault, "otherwise", cursor),
        (memory_vault(), "asked", cursor),
        (vault, "asked", flipped),
        (vault, "asked", ""),
        (vault, "asked", "?"),
    ):
        with pytest.raises(CursorError):
            read_cursor(keeper, asked, text)
