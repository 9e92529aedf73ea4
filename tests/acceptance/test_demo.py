"""`relato demo` and `relato simulate` as a newcomer gives them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from streams.feeds.disclosing import TOMBSTONE, WITHHELD
from tests.acceptance.program import Relato, made, one

LONGEST_S = 240
AUDIENCES = ("sales sees", "marketing sees", "support sees", "one partner sees", "the auditor sees")


def processes_in(folder: Path) -> list[str]:
    return [p.info["name"] for p in psutil.process_iter(["name", "cmdline"]) if str(folder) in str(p.info["cmdline"])]


def test_a_newcomer_sees_a_companys_year_and_nothing_is_left_behind(fresh: Relato) -> None:
    status, out, err = fresh("demo", TMPDIR=str(fresh.folder))
    assert (status, err) == (0, "")
    assert [audience for audience in AUDIENCES if audience not in out] == []
    shown, told, erased, parted, proof = re.split("── (?:That supplier|That customer asks|Olaria da|The proof)", out)
    assert "(erased)" not in shown
    assert "pull, stream, and webhook" in told
    assert "(erased)" in erased
    assert "feed tombstone" in erased
    assert "delete all" in parted
    assert "signature holds" in proof
    assert "signed head: sound." in proof
    assert list(fresh.folder.iterdir()) == []
    assert processes_in(fresh.folder) == []


class Shown(NamedTuple):
    """What the demonstration told, and the home that it left."""

    digest: dict[str, Any]
    relato: Relato


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    with made() as relato:
        yield Shown(json.loads(relato.tell("demo", "--home", relato.home, "--json")), relato)


def test_the_digest_shows_that_an_erasure_takes_the_name_and_leaves_the_figures(shown: Shown) -> None:
    digest = shown.digest
    assert (digest["audited"], digest["events"]) == ("sound", 12_000)
    before, after = digest["before"], digest["after"]
    was, become = (
        one([row for row in sight["scenes"]["best_customers"] if row["customer_id"] == digest["erased"]])
        for sight in (before, after)
    )
    assert was["customer_name"]
    assert become == was | {"customer_name": None}
    assert after["history"] == before["history"] + 1
    same = {"pipeline_by_stage", "supplier_orders", "supplier_sales", "purchases", "resolution_by_agent"}
    assert {name for name in same if before["views"][name] != after["views"][name]} == set()
    assert before["views"]["customers"]["sha256"] != after["views"]["customers"]["sha256"]
    assert shown.relato.tell("audit", "verify").startswith("sound")


def test_a_partner_is_told_what_was_foreseen_answers_and_is_told_to_forget_in_the_end_everything(shown: Shown) -> None:
    partner, relato = shown.digest["partner"], shown.relato
    foreseen, told = partner["previewed"]["types"], partner["told"]["types"]
    own = {"crm.order.shipped.v1": foreseen["crm.order.shipped.v1"] + 1}
    assert told == foreseen | own
    assert [(one["verdict"], one["again"]) for one in partner["answers"]] == [
        ("accepted", "repeated"), ("accepted", "repeated"), ("refused", "refused")
    ]  # fmt: skip
    assert partner["forgotten"]["types"] == {TOMBSTONE: 1}
    assert partner["anew"]["types"][WITHHELD] > told[WITHHELD]
    assert partner["at_last"]["types"] == {TOMBSTONE: 2}
    assert one(relato.rows("endpoints"))["state"] == "removed"
    [held] = map(json.loads, relato.tell("inbound", "list", "--json").splitlines())
    assert held["state"] == "held"
    assert json.loads(relato.tell("feed", "list", "--json"))["feed_state"] == "closed"


@pytest.mark.kafka
@pytest.mark.timeout(LONGEST_S)
def test_through_kafka_every_view_is_the_same_before_and_after_the_erasure(shown: Shown, fresh: Relato) -> None:
    command, environment = fresh.command("demo", "--json", "--kafka"), fresh.environment | {"TMPDIR": str(fresh.folder)}
    found = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=LONGEST_S)
    through_kafka = json.loads(found.stdout)
    for sight in ("before", "after"):
        views = {
            name: (view, through_kafka[sight]["views"][name]) for name, view in shown.digest[sight]["views"].items()
        }
        assert {name: pair for name, pair in views.items() if pair[0] != pair[1]} == {}
    assert through_kafka == shown.digest
    assert list(fresh.folder.iterdir()) == []


def test_ctrl_c_stops_it_and_removes_what_it_made(fresh: Relato) -> None:
    environment = fresh.environment | {"TMPDIR": str(fresh.folder)}
    process = subprocess.Popen(fresh.command("demo"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        deadline = time.monotonic() + 60
        while not list(fresh.folder.glob("*/postgres/postmaster.pid")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")
    assert b"The proof" not in out
    assert list(fresh.folder.iterdir()) == []
    assert processes_in(fresh.folder) == []


def test_a_home_that_holds_something_is_refused_and_not_touched(fresh: Relato) -> None:
    fresh.home.mkdir()
    (fresh.home / "letter").write_text("dear")
    said = fresh("demo", "--home", fresh.home)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert "is not empty" in said.err
    assert [file.name for file in fresh.home.iterdir()] == ["letter"]


def test_simulating_twice_changes_nothing(fresh: Relato) -> None:
    arguments = ("simulate", "--customers", 20, "--events", 500, "--json")
    first, again = (json.loads(fresh.tell(*arguments)) for _ in range(2))
    assert first["facts"] >= 500
    assert (again["facts"], again["repeated"], again["refused"]) == (0, 500, {})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--customers", 100, "--events", 10), "at least"), (("--year", 2999), "not over yet")],
)
def test_a_year_that_cannot_be_is_refused_in_one_line(fresh: Relato, arguments: tuple[object, ...], told: str) -> None:
    said = fresh("simulate", *arguments)
    assert (said.status != 0, said.err.count("\n")) == (True, 1)
    assert told in said.err
