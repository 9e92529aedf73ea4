"""An import that is cut short, or asked to stop, goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adapters.importers import Progress
from adapters.importers.errors import RejectsError
from adapters.memory.ledger import MemoryLedger
from domain.errors import UnavailableError
from domain.ports import Append, Place
from tests.integration.shop import FIRST, SHOP, Shop, executor_over, lines_of


class Failing(MemoryLedger):
    """Goes away after so many appends, having kept the last one or not."""

    def __init__(self, appends: int, *, keeps_last: bool) -> None:
        super().__init__()
        self.left, self._keeps_last = appends, keeps_last

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        self.left -= 1
        if self.left == 0 and self._keeps_last:
            super().append(append, timeout_s=timeout_s)
        if self.left <= 0:
            raise UnavailableError
        return super().append(append, timeout_s=timeout_s)


@pytest.mark.parametrize("keeps_last", [True, False])
@pytest.mark.parametrize("appends", [1, 2, 3, 5])
def test_a_run_that_was_cut_short_goes_on_and_loses_and_doubles_nothing(
    shop: Shop, appends: int, keeps_last: bool
) -> None:
    rows = [f"{n % 50},c{n % 50 % 9},Ada,2026-01-05 10:00,p{n},1,0.10" for n in range(100)]
    shop.ledger = Failing(appends, keeps_last=keeps_last)
    shop.executor = executor_over(shop.ledger, shop.vault)
    with pytest.raises(UnavailableError):
        shop.bring(*rows, chunk_size=7)
    shop.ledger.left = 1_000
    report = shop.bring(*rows, chunk_size=7)
    assert report.finished
    assert shop.types() == {"crm.customer.registered.v1": 9, "crm.order.placed.v1": 50}
    assert set(shop.order_totals().values()) == {20}


def test_a_run_asked_to_stop_ends_after_its_chunk_and_goes_on_from_there(shop: Shop) -> None:
    rows = [f"{n},c{n},Ada,2026-01-05 10:00,fig,1,0.10" for n in range(100)]
    first = shop.bring(*rows, chunk_size=7, stop=lambda: True)
    assert (first.interrupted, first.finished) == (True, False)
    assert 0 < first.rows < 20
    second = shop.bring(*rows)
    assert second.files[0].started_at_row == first.rows
    assert second.finished
    assert shop.types() == {"crm.customer.registered.v1": 100, "crm.order.placed.v1": 100}


def test_a_run_asked_to_stop_leaves_the_files_that_follow(shop: Shop) -> None:
    two = SHOP.replace("[files.lines]", '[files.empty]\npath = "empty.csv"\n[files.lines]\npath = "lines.csv"')
    greeting = '[[rules]]\nname = "t"\nfile = "empty"\ncommand = "team.form"\nper = "file"\n'
    greeting += 'fields = { team_id = { id = "t", of = ["t"] }, name = "t" }\n'
    ruled = two.replace('name = "customer"\n', 'name = "customer"\nfile = "lines"\n', 1)
    ruled = ruled.replace('name = "order"\n', 'name = "order"\nfile = "lines"\n', 1)
    mapping = shop.write("two.toml", ruled + greeting)
    folder = shop.folder / "export"
    folder.mkdir()
    (folder / "empty.csv").write_text("a\n1\n")
    (folder / "lines.csv").write_text(lines_of(*FIRST))
    stopped = shop.run(folder, mapping=mapping, stop=lambda: True)
    assert ([file.file for file in stopped.files], stopped.interrupted) == (["empty.csv"], True)
    whole = shop.run(folder, mapping=mapping)
    assert [file.nothing_to_do for file in whole.files] == [True, False]
    assert whole.finished


def test_rejects_of_an_interrupted_run_are_not_written_twice(shop: Shop) -> None:
    rows = [f"{n},c{n},Ada,2026-01-05 10:00,fig,one,0.10" for n in range(30)]
    shop.bring(*rows, chunk_size=7, stop=lambda: True)
    shop.bring(*rows, again=True)
    assert [row["relato:row"] for row in shop.rejected()] == [str(n) for n in range(1, 31)]


def test_rejects_that_could_not_be_written_are_told_by_the_next_run(shop: Shop) -> None:
    rows = [f"{n},c{n},Ada,2026-01-05 10:00,fig,{'one' if n == 3 else 1},0.10" for n in range(30)]
    shop.rejects = shop.folder / "away" / "rejects.csv"
    with pytest.raises(RejectsError):
        shop.bring(*rows, chunk_size=7)
    shop.rejects.parent.mkdir()
    assert shop.bring(*rows, chunk_size=7).finished
    assert [row["relato:row"] for row in shop.rejected()] == ["4"]
    assert shop.types() == {"crm.customer.registered.v1": 30, "crm.order.placed.v1": 29}


def test_progress_is_told_while_it_runs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.importers.portions.TELL_EVERY", 2)
    told: list[Progress] = []
    shop.bring(*FIRST, on_progress=told.append)
    assert [progress.rows for progress in told] == [2, 4, 5]
    assert told[-1].bytes_read == told[-1].bytes_total
