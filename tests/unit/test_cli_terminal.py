"""What goes to a terminal cannot take it over, and JSON still says the same to a program."""

from __future__ import annotations

import json

import pytest

from adapters.cli.terminal import print_json, print_line, print_rows

HOSTILE = "caf\u00e9 \x1b[2J \x9b31m \u202e \U0001f469\u200d\U0001f4bb"


def test_json_says_the_same_and_has_nothing_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": HOSTILE})
    line = capsys.readouterr().out
    assert json.loads(line) == {"text": HOSTILE}
    assert line.removesuffix("\n").isprintable()
    assert "caf\u00e9" in line


def test_lines_show_that_something_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(HOSTILE)
    line = capsys.readouterr().out
    assert line.removesuffix("\n").isprintable()
    assert line.count("\N{REPLACEMENT CHARACTER}") == 4


def test_rows_are_whole_in_json_and_of_some_columns_else(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "Braga", "orders": 3, "id": 7}]
    print_rows(("orders", "name"), rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows[0]
    print_rows(("orders", "name"), rows, as_json=False)
    assert capsys.readouterr().out == "orders\tname\n3\tBraga\n"
