"""Whole imports from files into a ledger in memory: repeats, newer exports, interruptions, rejects, damage."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.importers import ImportReport, MemoryImportProgress, Progress, run
from adapters.importers.errors import (
    BrokenArchiveError,
    ColumnsMissingError,
    ImportStoppedError,
    MemberMissingError,
    RejectsError,
    SourceMissingError,
)
from adapters.keys.vault import SealingVault
from adapters.memory.ledger import MemoryLedger
from adapters.memory.vault import memory_vault
from domain.catalogue import REGISTRY
from domain.customer.commands import AmendCustomer, ErasePerson, MergeCustomer, RegisterCustomer
from domain.decider import Command
from domain.errors import InvalidError, UnavailableError
from domain.event import Origin
from domain.execute import Context, Executor
from domain.ports import Append, Place

SHOP = """
language = 1
source = "shop"
title = "Customers with the lines of their orders"
time_zone = "Europe/Lisbon"

[files.lines]
group_by = ["order"]

[[rules]]
name = "customer"
command = "customer.register"
per = "key"
key = [{ column = "customer" }]
at = { time = { column = "time" } }
[rules.fields]
customer_id = { id = "shop-customer", of = [{ column = "customer" }] }
name = { column = "name" }

[[rules]]
name = "order"
command = "order.place"
per = "group"
at = { time = { column = "time" } }
[rules.fields]
order_id = { id = "shop-order", of = [{ column = "order" }] }
number = { column = "order" }
customer_id = { id = "shop-customer", of = [{ column = "customer" }] }
currency = "EUR"
[rules.fields.lines.each]
product_id = { id = "shop-product", of = [{ column = "product" }] }
quantity = { whole = { column = "quantity" } }
amount_minor = { minor = { multiply = [{ column = "quantity" }, { column = "price" }] }, currency = "EUR" }
"""
COINS = """
language = 1
source = "coins"
title = "Rows without a key"

[files.coins]
identical = [{ column = "customer" }, { column = "cents" }]
identity = [{ column = "customer" }, { column = "cents" }, { occurrence = true }]

[[rules]]
name = "order"
command = "order.place"
[rules.fields]
order_id = { id = "coin", of = [{ column = "customer" }, { column = "cents" }, { occurrence = true }] }
number = { column = "cents" }
currency = "EUR"
[[rules.fields.lines.list]]
object.product_id = { id = "p", of = ["coin"] }
object.quantity = 1
object.amount_minor = { whole = { column = "cents" } }
"""
HEADER = "order,customer,name,time,product,quantity,price"
FIRST = [
    "1,c1,Ada,2026-01-05 10:00,apple,2,1.50",
    "1,c1,Ada,2026-01-05 10:00,pear,1,0.40",
    "2,c2,Bela,2026-01-06 11:00,apple,1,1.50",
    "1,c1,Ada,2026-01-05 10:00,fig,3,0.10",
    "3,c1,Ada,2026-01-07 12:00,fig,1,0.10",
]


def lines_of(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


class Shop:
    """A ledger, a vault, and a place for files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.progress = folder, MemoryImportProgress()
        self.ledger, self.vault = MemoryLedger(), memory_vault()
        self.executor = executor_over(self.ledger, self.vault)
        self.mapping = self.write("shop.toml", SHOP)
        self.rejects = folder / "rejects.csv"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, path: Path, **more: Any) -> ImportReport:
        given: dict[str, Any] = {
            "mapping": self.mapping,
            "executor": self.executor,
            "ledger": self.ledger,
            "progress": self.progress,
            "rejects_path": self.rejects,
        }
        return run(None, path, vault=self.vault, actor="importer", **(given | more))

    def bring(self, *rows: str, name: str = "lines.csv", **more: Any) -> ImportReport:
        return self.run(self.write(name, lines_of(*rows)), **more)

    def id_of(self, kind: str, key: str) -> UUID:
        return self.vault.derive_id(f"shop-{kind}", key)

    def order(self, command: Command) -> None:
        self.executor.execute(command, Context(uuid7(), "somebody"))

    def types(self) -> Mapping[str, int]:
        return Counter(event.type for event in self.ledger.read(0, 10_000))

    def order_totals(self) -> Mapping[str, int]:
        events = self.ledger.read(0, 10_000)
        placed = [e for e in events if e.type in {"crm.order.placed.v1", "crm.order.amended.v1"}]
        return {e.stream_id.hex[:4]: sum(line.amount_minor for line in e.fact.lines) for e in placed}  # type: ignore[attr-defined]  # these two have lines

    def name_of(self, customer: str) -> Any:
        """As it was told last."""
        facts = [event.fact for event in self.ledger.load([self.id_of("customer", customer)])]
        names = [name for fact in facts if (name := getattr(fact, "name", None)) is not None]
        return self.vault.open(names[-1:])[0]

    def rejected(self, path: Path | None = None) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((path or self.rejects).read_text("utf-8"))))

    def mend(self, change: Callable[[str], str]) -> Path:
        return self.write("mended.csv", change(self.rejects.read_text("utf-8")))


def executor_over(ledger: Any, vault: SealingVault) -> Executor:
    return Executor(ledger, vault, REGISTRY, clock=lambda: datetime.now(UTC))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_rows_become_facts_at_their_own_times_and_are_marked_as_imported(shop: Shop) -> None:
    report = shop.bring(*FIRST)
    assert (report.rows, report.total("done"), report.total("facts"), report.rejected) == (5, 5, 5, 0)
    assert shop.types() == {"crm.customer.registered.v1": 2, "crm.order.placed.v1": 3}
    assert sorted(shop.order_totals().values()) == [10, 150, 370]
    [placed] = shop.ledger.load([shop.id_of("order", "1")])
    assert placed.occurred_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert (placed.origin, placed.actor, placed.subject_id) == (Origin.IMPORT, "importer", shop.id_of("customer", "c1"))
    assert len(placed.fact.lines) == 3  # type: ignore[attr-defined]  # an order has lines


def test_a_finished_file_says_so_and_does_nothing(shop: Shop) -> None:
    shop.bring(*FIRST)
    assert shop.bring(*FIRST).nothing_to_do
    assert shop.ledger.last_position() == 5


def test_importing_twice_changes_nothing(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(*FIRST, again=True)
    assert (report.total("unchanged"), report.total("facts"), shop.ledger.last_position()) == (5, 0, 5)


def test_the_rows_may_come_in_another_order(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(FIRST[2], FIRST[0], FIRST[1], FIRST[4], FIRST[3])
    assert (report.total("unchanged"), shop.ledger.last_position()) == (5, 5)


def test_a_newer_export_amends_what_changed(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(*(row.replace("Bela", "Béla") for row in FIRST), "4,c2,Béla,2026-01-08,fig,1,0.10")
    assert (report.total("amended"), report.total("done"), report.total("unchanged")) == (1, 1, 4)
    assert shop.name_of("c2") == "Béla"


def test_a_line_that_changed_amends_its_order(shop: Shop) -> None:
    shop.bring(*FIRST)
    report = shop.bring(*(row.replace("pear,1,0.40", "pear,2,0.40") for row in FIRST))
    assert report.files[0].rules["order"].amended == 1
    assert sorted(shop.order_totals().values()) == [10, 150, 410]


def test_a_value_that_goes_forth_and_back_is_followed(shop: Shop) -> None:
    for name in ("Ada", "Ana", "Ada", "Ana"):
        shop.bring(*(row.replace("Ada", name) for row in FIRST), again=True)
        assert shop.name_of("c1") == name
    assert shop.types()["crm.customer.amended.v1"] == 3
    report = shop.bring(*(row.replace("Ada", "Ana") for row in FIRST), again=True)
    assert report.total("unchanged") == 5


def test_what_somebody_changed_by_hand_stays_while_the_export_says_the_same(shop: Shop) -> None:
    shop.bring(*FIRST)
    shop.bring(*(row.replace("Ada", "Ana") for row in FIRST))
    shop.order(AmendCustomer(customer_id=shop.id_of("customer", "c1"), name="Ada Lovelace"))
    shop.bring(*(row.replace("Ada", "Ana") for row in FIRST), "4,c2,Bela,2026-01-08,fig,1,0.10")
    assert shop.name_of("c1") == "Ada Lovelace"


def test_a_customer_who_is_there_already_is_amended(shop: Shop) -> None:
    shop.order(RegisterCustomer(customer_id=shop.id_of("customer", "c1"), name="A."))
    report = shop.bring(*FIRST)
    assert (report.files[0].rules["customer"].amended, shop.name_of("c1")) == (1, "Ada")


def test_identical_rows_are_facts_of_their_own(shop: Shop) -> None:
    coins = shop.write("coins.csv", "customer,cents\nc1,5\nc1,5\nc2,5\nc1,5\n")
    mapping = shop.write("coins.toml", COINS)
    report = shop.run(coins, mapping=mapping)
    assert (report.total("done"), shop.types()) == (4, {"crm.order.placed.v1": 4})
    assert shop.run(coins, mapping=mapping, again=True).total("unchanged") == 4


def test_a_mended_row_without_a_key_is_never_taken_for_another_one(shop: Shop) -> None:
    mapping = shop.write("coins.toml", COINS)
    shop.run(shop.write("coins.csv", "customer,cents\nc1,5\nc1,five\n"), mapping=mapping)
    mended = shop.mend(lambda text: text.replace(",five", ",5"))
    for _ in range(2):
        shop.run(mended, mapping=mapping, rejects_path=shop.folder / "again.csv", again=True)
        assert shop.types() == {"crm.order.placed.v1": 2}


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


def test_an_erased_person_stays_erased_and_is_counted_apart(shop: Shop) -> None:
    shop.bring(*FIRST)
    person = shop.id_of("customer", "c2")
    shop.order(ErasePerson(customer_id=person))
    shop.vault.erase([person])
    report = shop.bring(*FIRST, "4,c2,Bela,2026-01-08,fig,1,0.10", again=True)
    assert report.total("erased") == 1
    assert report.total("rejected") == 0
    assert "Bela" not in shop.rejects.read_text()
    assert [row["relato:verdict"] for row in shop.rejected()] == ["erased"]


def test_a_newer_export_does_not_bring_an_erased_person_back(shop: Shop) -> None:
    shop.bring(*FIRST)
    person = shop.id_of("customer", "c2")
    shop.order(ErasePerson(customer_id=person))
    shop.vault.erase([person])
    report = shop.bring(*(row.replace("Bela", "Béla") for row in FIRST))
    assert report.files[0].rules["customer"].erased == 1


def test_a_merged_customer_is_a_verdict_of_its_own(shop: Shop) -> None:
    shop.bring(*FIRST)
    shop.order(MergeCustomer(customer_id=shop.id_of("customer", "c2"), into_id=shop.id_of("customer", "c1")))
    report = shop.bring(*FIRST, "4,c2,Bela,2026-01-08,fig,1,0.10")
    assert (report.total("merged"), report.total("rejected")) == (1, 0)
    assert [(row["relato:verdict"], row["name"]) for row in shop.rejected()] == [("merged", "Bela")]


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


def test_a_dry_run_says_what_would_be_done_and_does_nothing(shop: Shop) -> None:
    dry = shop.bring(*FIRST, dry_run=True)
    assert (dry.dry_run, dry.total("done"), dry.total("facts"), shop.ledger.last_position()) == (True, 5, 5, 0)
    assert shop.bring(*FIRST).total("done") == 5
    newer = [row.replace("Bela", "Béla") for row in FIRST]
    assert shop.bring(*newer, dry_run=True).total("amended") == 1
    assert shop.name_of("c2") == "Bela"


class Narrow(MemoryLedger):
    """Takes no fact over 300 bytes."""

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        if any(len(new.data) > 300 for write in append.writes for new in write.facts):
            raise InvalidError("the fact is larger than 256 KiB", bytes=301)
        return super().append(append, timeout_s=timeout_s)


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


def test_another_mapping_of_the_same_file_is_another_import(shop: Shop) -> None:
    shop.bring(*FIRST)
    mapping = shop.write("other.toml", SHOP.replace('currency = "EUR"\n', 'currency = "EUR"\nchannel = "shop"\n', 1))
    assert not shop.bring(*FIRST, mapping=mapping).nothing_to_do


def packed(content: bytes) -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("export/lines.csv", content)
        file.writestr("export/readme.txt", "hello")
    return {"l.csv.gz": gzip.compress(content), "l.csv.xz": lzma.compress(content), "l.zip": archive.getvalue()}


@pytest.mark.parametrize("name", ["l.csv.gz", "l.csv.xz", "l.zip"])
def test_packed_files_are_read_as_they_are(shop: Shop, name: str) -> None:
    mapping = shop.write("zip.toml", SHOP.replace("[files.lines]", '[files.lines]\npath = "lines.csv"'))
    assert shop.run(shop.write(name, packed(lines_of(*FIRST).encode())[name]), mapping=mapping).total("done") == 5
    assert sorted(entry.name for entry in shop.folder.iterdir()) == sorted(["shop.toml", "zip.toml", name])


@pytest.mark.parametrize("name", ["l.csv.gz", "l.csv.xz", "l.zip"])
def test_a_truncated_archive_is_told_before_anything_is_imported(shop: Shop, name: str) -> None:
    rows = [f"{n},c{n},{n * 7919 % 1009},2026-01-05 10:00,fig,1,0.10" for n in range(20_000)]
    whole = packed(lines_of(*rows).encode())[name]
    with pytest.raises(BrokenArchiveError) as caught:
        shop.run(shop.write(name, whole[: len(whole) // 2]))
    assert "\n" not in str(caught.value)
    assert shop.ledger.last_position() == 0


def test_a_file_that_is_not_there_is_told(shop: Shop) -> None:
    with pytest.raises(SourceMissingError, match=r"nothing\.csv"):
        shop.run(shop.folder / "nothing.csv")


def test_an_archive_without_the_file_is_told_with_what_is_in_it(shop: Shop) -> None:
    mapping = shop.write("zip.toml", SHOP.replace("[files.lines]", '[files.lines]\npath = "orders.csv"'))
    archive = shop.write("l.zip", packed(b"x")["l.zip"])
    with pytest.raises(MemberMissingError, match=r"wanted orders\.csv, there lines\.csv, readme\.txt"):
        shop.run(archive, mapping=mapping)


def test_a_wrong_delimiter_is_told_with_the_columns_that_are_missing_and_those_that_are_there(shop: Shop) -> None:
    with pytest.raises(ColumnsMissingError) as caught:
        shop.run(shop.write("lines.csv", lines_of(*FIRST).replace(",", ";")))
    assert "missing order, there order;customer;name;time;product;quantity;price" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"9,c9,S\xe3o,2026-01-05,fig,1,0.10", "the row holds bytes that are not utf-8-sig"),
        (b"9,c9,A\0a,2026-01-05,fig,1,0.10", "the row holds a NUL character"),
        (b"9,c9," + b"x" * (50 << 20) + b",2026-01-05,fig,1,0.10", "the row is longer than 1 MiB"),
        (b"9,c9,Ada", "the row has 3 columns where there should be 7"),
    ],
)
def test_an_unreadable_row_is_rejected_and_the_others_are_imported(shop: Shop, row: bytes, reason: str) -> None:
    first, rest = lines_of(*FIRST).encode(), b"8,c8,Zoe,2026-01-09,fig,1,0.10\n"
    apart = b"5,c5,Eva,2026-01-08,fig,1,0.10\n" + row + b"\n6,c6,Fay,2026-01-08,fig,1,0.10\n"
    report = shop.run(shop.write("lines.csv", first + apart + rest))
    assert (report.files[0].unreadable, report.files[0].rules["customer"].done) == (1, 5)
    assert report.files[0].rules["order"].done == 4
    assert report.files[0].rules["order"].rejected == 2
    assert f"*: {reason}" in report.files[0].reasons


def test_unreadable_bytes_are_kept_and_can_be_mended(shop: Shop) -> None:
    shop.run(shop.write("lines.csv", lines_of(*FIRST[:1]).encode() + b"9,c9,S\xe3o,2026-01-05,fig,1,0.10\n"))
    mended = shop.write("mended.csv", shop.rejects.read_bytes().replace(b"S\xe3o", "São".encode()))
    report = shop.run(mended, rejects_path=shop.folder / "r2.csv")
    assert report.rejected == 0
    assert (shop.name_of("c9"), shop.types()["crm.order.placed.v1"]) == ("São", 2)


def test_progress_is_told_while_it_runs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.importers.importing.TELL_EVERY", 2)
    told: list[Progress] = []
    shop.bring(*FIRST, on_progress=told.append)
    assert [progress.rows for progress in told] == [2, 4, 5]
    assert told[-1].bytes_read == told[-1].bytes_total


def test_every_error_that_stops_an_import_is_one_line() -> None:
    for error in ImportStoppedError.__subclasses__():
        assert "\n" not in str(error(file="x"))
