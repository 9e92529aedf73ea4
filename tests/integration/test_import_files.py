"""Files as they come: packed, cut off, with bytes that nobody can read."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile

import pytest

from adapters.importers.errors import (
    BrokenArchiveError,
    ColumnsMissingError,
    EmptyFileError,
    ImportStoppedError,
    MemberMissingError,
    SourceMissingError,
)
from tests.integration.shop import FIRST, SHOP, Shop, lines_of


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
    assert "missing customer, name, time, order, product, quantity, price, there order;customer;" in str(caught.value)


TWO_FILES = """
language = 1
source = "two"
title = "Customers, then their needs"

[files.customers]
path = "customers*"
identity = [{ column = "customer" }]

[files.needs]
path = "needs*"
identity = [{ column = "customer" }, { column = "need" }]

[[rules]]
name = "customer"
file = "customers"
command = "customer.register"
fields = { customer_id = { id = "c", of = [{ column = "customer" }] } }

[[rules]]
name = "need"
file = "needs"
command = "customer.note_need"
fields = { customer_id = { id = "c", of = [{ column = "customer" }] }, need = { column = "need" } }
"""


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("needs.csv.gz", gzip.compress(b"customer,need\n1,roof\n", mtime=0)[:-9], BrokenArchiveError),
        ("needs.csv", b"customer;need\n1;roof\n", ColumnsMissingError),
        ("needs.csv", b"", EmptyFileError),
    ],
)
def test_a_broken_later_file_is_told_before_an_earlier_one_is_imported(
    shop: Shop, name: str, content: bytes, error: type[ImportStoppedError]
) -> None:
    mapping, folder = shop.write("two.toml", TWO_FILES), shop.folder / "export"
    folder.mkdir()
    (folder / "customers.csv").write_text("customer\n1\n2\n")
    (folder / name).write_bytes(content)
    with pytest.raises(error):
        shop.run(folder, mapping=mapping)
    assert shop.ledger.last_position() == 0
    (folder / name).unlink()
    (folder / "needs.csv").write_bytes(b"customer,need\n1,roof\n")
    assert shop.run(folder, mapping=mapping).total("done") == 3


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


def test_every_error_that_stops_an_import_is_one_line() -> None:
    for error in ImportStoppedError.__subclasses__():
        assert "\n" not in str(error(file="x"))
