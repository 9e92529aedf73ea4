"""What does not fit is kept with its reason, beside the rest that goes on, and can be mended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from adapters.importers.errors import (
    MemberMissingError,
    RejectsError,
)
from adapters.memory.ledger import MemoryLedger
from domain.errors import InvalidError
from domain.ports import Append, Place
from tests.integration.shop import COINS, FIRST, Shop, executor_over, lines_of


def test_a_row_that_does_not_fit_is_kept_with_its_reason_and_the_rest_goes_on(shop: Shop) -> None:
    report = shop.bring("9,c3,Cid,yesterday,apple,1,1.50", *FIRST)
    assert (report.total("done"), report.total("rejected")) == (5, 2)
    kept = shop.rejected()
    assert [(row["relato:rule"], row["relato:row"], row["relato:verdict"], row["name"]) for row in kept] == [
        ("customer", "1", "rejected", "Cid"),
        ("order", "1", "rejected", "Cid"),
    ]
    assert kept[0]["relato:reason"].startswith("at: 'yesterday' is no time of the form ISO 8601")
    assert set(report.files[0].reasons.values()) == {1}
    assert report.files[0].rejects == shop.rejects


def test_one_bad_line_holds_back_its_whole_order(shop: Shop) -> None:
    report = shop.bring(*(row.replace("pear,1", "pear,one") for row in FIRST))
    assert (report.files[0].rules["order"].done, report.files[0].rules["order"].rejected) == (2, 1)
    assert [row["relato:row"] for row in shop.rejected()] == ["1", "2", "4"]


def test_rejected_rows_are_mended_and_imported_under_their_first_identity(shop: Shop) -> None:
    shop.bring(*(row.replace("pear,1", "pear,one") for row in FIRST))
    report = shop.run(shop.mend(lambda text: text.replace("pear,one", "pear,1")), rejects_path=shop.folder / "r2.csv")
    assert (report.total("done"), report.rejected) == (1, 0)
    assert sorted(shop.order_totals().values()) == [10, 150, 370]
    assert shop.bring(*FIRST).total("unchanged") == 5


def test_rejects_that_a_spreadsheet_saved_are_recognised(shop: Shop) -> None:
    shop.bring(*(row.replace("pear,1", "pear,one") for row in FIRST))
    saved = "\ufeff" + shop.rejects.read_text("utf-8").replace("pear,one", "pear,1").replace("\n", "\r\n")
    report = shop.run(shop.write("saved.csv", saved), rejects_path=shop.folder / "r2.csv")
    assert (report.total("done"), report.rejected) == (1, 0)


def test_rejects_that_are_still_wrong_are_rejected_again_with_their_first_row_number(shop: Shop) -> None:
    shop.bring(*(row.replace("pear,1", "pear,one") for row in FIRST))
    again = shop.folder / "r2.csv"
    report = shop.run(shop.rejects, rejects_path=again)
    assert report.rejected == 1
    assert [row["relato:row"] for row in shop.rejected(again)] == ["1", "2", "4"]


def test_a_mended_line_does_not_replace_an_order_that_is_there(shop: Shop) -> None:
    shop.bring(*FIRST, ",c1,Ada,2026-01-05 10:00,kiwi,1,0.20")
    mended = shop.mend(lambda text: text.replace(",,c1", ",1,c1"))
    report = shop.run(mended, rejects_path=shop.folder / "r2.csv")
    assert (report.total("amended"), report.rejected) == (0, 1)
    assert sorted(shop.order_totals().values()) == [10, 150, 370]


def test_rejects_of_another_mapping_are_refused(shop: Shop) -> None:
    shop.bring("9,c3,Cid,yesterday,apple,1,1.50")
    with pytest.raises(MemberMissingError, match="there shop/lines"):
        shop.run(shop.rejects, mapping=shop.write("coins.toml", COINS), rejects_path=shop.folder / "r2.csv")


def test_rejects_never_overwrite_what_is_imported_or_another_file(shop: Shop) -> None:
    path = shop.write("lines.csv", lines_of("9,c3,Cid,yesterday,apple,1,1.50"))
    with pytest.raises(RejectsError, match="would overwrite"):
        shop.run(path, rejects_path=path)
    with pytest.raises(RejectsError, match="another file is there"):
        shop.run(path, rejects_path=shop.write("letter.txt", "Dear all\n"))
    assert path.read_text() == lines_of("9,c3,Cid,yesterday,apple,1,1.50")


def test_a_folder_that_cannot_take_the_rejects_is_told(shop: Shop) -> None:
    with pytest.raises(RejectsError, match="No such file or directory"):
        shop.bring("9,c3,Cid,yesterday,apple,1,1.50", rejects_path=shop.folder / "nowhere" / "rejects.csv")


class Narrow(MemoryLedger):
    """Takes no fact over 300 bytes."""

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        if any(len(new.data) > 300 for write in append.writes for new in write.facts):
            raise InvalidError("the fact is larger than 256 KiB", bytes=301)
        return super().append(append, timeout_s=timeout_s)


def test_a_time_too_far_ahead_rejects_its_row(shop: Shop) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=400)).strftime("%Y-%m-%d")
    report = shop.bring(*FIRST, f"4,c1,Ada,{ahead},fig,1,0.10")
    assert report.files[0].reasons == {"order: The time lies too far ahead of now": 1}
    assert report.total("done") == 5


def test_a_fact_too_large_is_rejected_alone(shop: Shop) -> None:
    shop.ledger = Narrow()
    shop.executor = executor_over(shop.ledger, shop.vault)
    report = shop.bring(*FIRST)
    assert (report.files[0].rules["order"].done, report.files[0].rules["order"].rejected) == (2, 1)
    assert report.files[0].reasons == {"order: the fact is larger than 256 KiB": 1}
    assert sorted(shop.order_totals().values()) == [10, 150]
