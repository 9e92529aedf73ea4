"""Every failure in a line."""

from __future__ import annotations

import errno
from decimal import Decimal

import psycopg
import pytest
import typer

from adapters.cli.app import with_kafka_value
from adapters.cli.moments import parse_time
from adapters.cli.refusals import WrongUseError, refuse
from domain.errors import UnavailableError, UnknownError
from domain.personal import ERASED, Sealed
from projections.disclosure import WITHHELD
from projections.rendering import as_text, in_cell, json_line

FAILURES: dict[BaseException, tuple[int, str]] = {
    UnknownError(order=1): (1, "relato: Nothing is known under this id"),
    UnavailableError("two\nlines"): (1, "relato: two lines\n"),
    WrongUseError(["--a: x", "--b: y"]): (2, "relato: --a: x\nrelato: --b: y\n"),
    typer.BadParameter("no"): (2, "relato: Invalid value: no"),
    typer.Abort(): (130, ""),
    OSError(errno.ENOSPC, "No space left on device", "x"): (1, "relato: the disk is full: x; make room"),
    OSError(errno.ENOENT, "No such file or directory", "x"): (1, "relato: no such file or directory: x"),
    psycopg.OperationalError("gone\nHINT: hm"): (1, "relato: PostgreSQL refused: gone\n"),
    ZeroDivisionError("Ana"): (1, "relato: unexpected ZeroDivisionError; run it again with RELATO_DEBUG=1"),
    UnicodeEncodeError("utf-8", "\udce9", 0, 1, "no"): (2, "relato: the text is not valid UTF-8"),
}


@pytest.mark.parametrize(("error", "told"), FAILURES.items(), ids=[type(error).__name__ for error in FAILURES])
def test_a_failure_is_told_in_a_line(
    error: BaseException, told: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, text = told
    assert refuse(error) == status
    said = capsys.readouterr().err
    assert said.startswith(text)
    assert said.count("\n") == said.count("relato: ")


def test_a_terminal_is_not_taken_over_by_what_an_error_holds(capsys: pytest.CaptureFixture[str]) -> None:
    refuse(UnavailableError("red \x1b[31m text"))
    assert capsys.readouterr().err == "relato: red ?[31m text\n"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["up", "--kafka"], ["up", "--kafka=embedded"]),
        (["up", "--kafka", "--database", "x"], ["up", "--kafka=embedded", "--database", "x"]),
        (["up", "--kafka", "127.0.0.1:9092"], ["up", "--kafka", "127.0.0.1:9092"]),
        (["up", "--kafka=127.0.0.1:9092"], ["up", "--kafka=127.0.0.1:9092"]),
    ],
)
def test_kafka_may_go_without_an_address(given: list[str], read: list[str]) -> None:
    assert with_kafka_value(given) == read


def test_a_time_needs_its_offset() -> None:
    for typed in ("2026-01-01T10:00", "tomorrow"):
        with pytest.raises(WrongUseError, match="--as-of"):
            parse_time("--as-of", typed)
    time = parse_time("--as-of", "2026-01-01T10:00:00+02:00")
    assert time is not None
    assert time.isoformat() == "2026-01-01T10:00:00+02:00"


def test_what_cannot_be_read_is_marked() -> None:
    row = {"name": ERASED, "note": WITHHELD, "raw": Sealed("s1.abc"), "lines": [{"n": 1}, {"n": None}], "won": True}
    assert [as_text(value) for value in row.values()] == ["(erased)", "(withheld)", "(sealed)", "n 1; ", "yes"]
    assert json_line({"name": ERASED, "note": WITHHELD}) == (
        '{"name": null, "note": null, "_erased": ["name"], "_withheld": ["note"]}'
    )


def test_a_cell_is_no_formula_and_a_number_stays_one() -> None:
    values = ["=1+1", "+351", "-x", "@SUM", "\tx", "Ana", -5, Decimal("-1.5"), ["=1"]]
    assert [in_cell(value) for value in values] == [
        "'=1+1", "'+351", "'-x", "'@SUM", "'\tx", "Ana", "-5", "-1.5", "'=1"
    ]  # fmt: skip
