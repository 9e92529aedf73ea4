"""A large file is read by a second process: with the same outcome, and whichever of the two is ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker

import pytest

from adapters.importers.ahead import ReadAhead
from adapters.importers.archives import Source
from adapters.importers.compile import Compiler
from adapters.importers.errors import BrokenFileError, ReaderLostError
from adapters.importers.mapping import check_commands, load_mapping
from adapters.importers.portions import Portion, Task
from domain.catalogue import REGISTRY
from tests.integration.shop import Shop, lines_of

ROWS = [f"{n},c{n % 30},Ada,2026-01-05 10:00,fig,{'one' if n % 50 == 7 else 1},0.10" for n in range(400)]
UP_S = 60.0


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every file is large, and we wait for the process that reads; it has ended when we are done."""
    monkeypatch.setattr("adapters.importers.importing.LARGE_BYTES", 0)
    monkeypatch.setattr(ReadAhead, "is_up", lambda self: self._ours.poll(UP_S))
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def task(shop: Shop) -> Task:
    return task_for(shop, lines_of(*ROWS))


def task_for(shop: Shop, content: str) -> Task:
    mapping = load_mapping(None, shop.mapping)
    compiler = Compiler(mapping, check_commands(mapping, REGISTRY), shop.vault.derivation.derive_id, "importer")
    return Task(compiler, "lines", Source(shop.write("lines.csv", content)), {}, 60)


def read_ahead(task: Task, shop: Shop) -> ReadAhead:
    with task.read() as reading:
        return ReadAhead(task, task.plan(reading).recipes, shop.vault.derivation.fingerprint)


def shown(portions: Iterator[Portion]) -> list[object]:
    return [
        ([(item.rule, item.identity, item.order and item.order[0], str(item.refusal)) for item in items], *place)
        for items, *place in portions
    ]


def test_the_portions_are_those_that_we_would_make(shop: Shop, task: Task) -> None:
    with task.read() as reading:
        ours = shown(task.portions(task.plan(reading), reading, after=123))
    with read_ahead(task, shop) as ahead:
        assert shown(ahead.portions(after=123)) == ours
    assert len(ours) > 4


@pytest.mark.usefixtures("ahead")
def test_an_import_comes_to_the_same_with_it(shop: Shop) -> None:
    report = shop.bring(*ROWS, chunk_size=60)
    assert (report.finished, report.total("done"), report.rejected) == (True, 30 + 392, 8)
    assert shop.types() == {"crm.customer.registered.v1": 30, "crm.order.placed.v1": 392}
    assert [row["relato:row"] for row in shop.rejected()] == [str(n + 1) for n in range(400) if n % 50 == 7]
    assert shop.bring(*ROWS, again=True, chunk_size=60).total("done") == 0


@pytest.mark.usefixtures("ahead")
def test_a_dry_run_with_it_appends_nothing(shop: Shop) -> None:
    assert shop.bring(*ROWS, chunk_size=60, dry_run=True).total("done") == 422
    assert shop.types() == {}


@pytest.mark.usefixtures("ahead")
def test_when_it_is_killed_that_is_told_and_the_import_can_go_on(shop: Shop) -> None:
    rows = [row.replace("fig", "fig" * 1_000) for row in ROWS]  # more than is on the way at a time
    chunks = 0

    def kill_at_the_fifth() -> bool:
        nonlocal chunks
        chunks += 1
        for reader in multiprocessing.active_children() if chunks == 5 else ():
            reader.kill()
            reader.join()
        return False

    with pytest.raises(ReaderLostError, match="give the same command again, it goes on from there: exit code -9"):
        shop.bring(*rows, chunk_size=20, stop=kill_at_the_fifth)
    assert 0 < len(shop.ledger.read(0, 1_000)) < 422
    report = shop.bring(*rows, chunk_size=20)
    assert report.finished
    assert 0 < report.files[0].started_at_row < 400
    assert shop.types() == {"crm.customer.registered.v1": 30, "crm.order.placed.v1": 392}


@pytest.mark.usefixtures("ahead")
def test_a_run_asked_to_stop_ends_it_too(shop: Shop) -> None:
    left = [3]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    first = shop.bring(*ROWS, chunk_size=20, stop=stop)
    assert (first.interrupted, first.finished) == (True, False)
    assert shop.bring(*ROWS).finished
    assert shop.types() == {"crm.customer.registered.v1": 30, "crm.order.placed.v1": 392}


def test_a_terminals_interrupt_is_not_for_it(shop: Shop, task: Task) -> None:
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]  # starting it unblocks the signal
    with read_ahead(task, shop) as ahead:
        [reader] = multiprocessing.active_children()
        assert reader.pid is not None
        os.kill(reader.pid, signal.SIGINT)
        assert ahead.is_up() or ahead._ours.poll(UP_S)
        os.kill(reader.pid, signal.SIGINT)
        assert [portion.waited for portion in ahead.portions(after=0)][-1]


def test_what_is_wrong_with_the_file_is_told_as_ever(shop: Shop) -> None:
    broken = task_for(shop, lines_of(*ROWS, '9,c1,"Ada', "more", "and more"))
    with read_ahead(broken, shop) as ahead, pytest.raises(BrokenFileError, match="a quote opened there does not close"):
        list(ahead.portions(after=0))


def test_when_we_are_gone_it_ends_by_itself(shop: Shop, task: Task) -> None:
    ahead = read_ahead(task, shop)
    [reader] = multiprocessing.active_children()
    ahead._ours.close()
    reader.join(UP_S)
    assert reader.exitcode == 0
