"""What someone who imports sees, and how they stop it."""

from __future__ import annotations

import io
import json
import os
import signal

import pytest
from rich.console import Console

from adapters.importers import FileReport, ImportReport, Progress, RuleReport, interruptible, shown


def test_without_a_terminal_the_end_is_a_line() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=120)) as on_progress:
        on_progress(Progress("lines.csv", 2_000, 50, 100))
        on_progress(Progress("lines.csv", 4_000, 100, 100))
    assert out.getvalue().startswith("lines.csv: 4,000 rows, 100%, ")


def test_on_a_terminal_there_is_a_bar() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=120, force_terminal=True)) as on_progress:
        on_progress(Progress("lines.csv", 4_000, 100, 100))
    assert "lines.csv" in out.getvalue()
    assert "4,000 rows" in out.getvalue()


def test_ctrl_c_asks_to_stop_and_the_second_one_ends() -> None:
    with interruptible() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def report() -> ImportReport:
    rule = RuleReport("order.place", done=3, rejected=1, facts=3)
    file = FileReport(file="lines.csv", rows=5, rules={"order": rule}, unreadable=1)
    file.reasons["order: lines: quantity: is not a number"] = 1
    return ImportReport(source="shop", seconds=0.5, files=[file], interrupted=True)


def test_the_report_says_what_was_done_why_not_and_how_to_go_on() -> None:
    assert report().summary() == [
        "lines.csv: 5 rows",
        "  rejected 1 x order: lines: quantity: is not a number",
        "5 rows in 0.5 s, 10 rows/s: 3 done, 0 amended, 0 unchanged, 0 erased, 0 merged",
        "3 facts, 2 rejected",
        "stopped before the end; the same command goes on from here",
    ]


def test_the_report_is_json_too() -> None:
    told = json.loads(report().to_json())
    assert (told["rows"], told["total"]["facts"], told["total"]["rejected"]) == (5, 3, 2)
    assert told["files"][0]["rules"]["order"]["command"] == "order.place"
