"""Files that cannot be imported: one line that says what to do, an exit status that is not 0, nothing written."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.mappings import SHOP
from tests.acceptance.program import Quick, Relato, made, served
from tests.acceptance.test_cli_bad_input import refused

TEXT = "customer,name\n" + "".join(f"{n},Customer {n}\n" for n in range(5_000))
WHOLE = TEXT.encode()


@pytest.fixture(scope="module")
def relato() -> Iterator[Relato]:
    """Nothing is recorded in it, so that its ledger stays empty."""
    with made(Quick) as relato, served(relato):
        yield relato


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("customers.csv", WHOLE)
    return packed.getvalue()


def flipped(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


def half(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


BAD_FILES = {
    "customers.csv.xz": (half(lzma.compress(WHOLE)), "truncated or damaged; nothing of it was.*Fetch it again"),
    "customers.csv.gz": (half(gzip.compress(WHOLE)), "truncated or damaged.*Fetch it again"),
    "customers.zip": (half(zipped()), "truncated or damaged.*Fetch it again"),
    "damaged.csv.xz": (flipped(lzma.compress(WHOLE)), "truncated or damaged.*Fetch it again"),
    "damaged.csv.gz": (flipped(gzip.compress(WHOLE)), "truncated or damaged.*Fetch it again"),
    "damaged.zip": (flipped(zipped()), "truncated or damaged.*Fetch it again"),
    "plain.csv.xz": (WHOLE, "truncated or damaged"),
    "plain.csv.gz": (WHOLE, "truncated or damaged"),
    "plain.zip": (WHOLE, "truncated or damaged"),
    "empty.csv": (b"", "is empty; export it again"),
    "empty.csv.gz": (gzip.compress(b""), "is empty; export it again"),
    "nothing.csv.gz": (b"", "is empty; export it again"),
    "nothing.csv.xz": (b"", "truncated or damaged"),
    "empty.xes": (b"", "is empty; export it again"),
    "blank.csv": (b"\n\n", "lacks columns.*there nothing"),
    "other.csv": (WHOLE.replace(b",", b";"), "mend the mapping's delimiter.*there customer;name"),
    "binary.csv": (b"\x00\x01\x02\xff" * 100, "no text in the encoding"),
    "broken.xes": (b"<log><trace>", "cannot be read on from here"),
}
BAD_MAPPINGS = {
    "a missing column": (SHOP.replace('column = "name"', 'column = "nome"'), "missing nome, there customer, name"),
    "a wrong delimiter": (SHOP.replace('","', '";"'), "mend the mapping's delimiter.*there customer,name"),
    "no TOML": (SHOP.replace("[rules.fields]", "[rules.fields"), "is no TOML"),
    "no such command": (SHOP.replace("customer.register", "customer.regster"), "no command is called"),
    "no such field": (SHOP.replace("name = { column", "nme = { column"), "has no nme; it has"),
    "no such time zone": (SHOP.replace('"UTC"', '"Nowhere/Land"'), "is no time zone; write one like"),
}


def refuse_import(relato: Relato, path: object, mapping: object, words: str) -> None:
    refused(relato("import", path, "--mapping", mapping), 1, words)
    assert relato.status()["position"] == 0
    assert not list(Path.cwd().glob("*.rejects*"))


@pytest.fixture
def mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rejected rows would be written into the folder where one works."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shop.toml"
    path.write_text(SHOP)
    return path


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_not_whole_is_told(relato: Relato, mapping: Path, tmp_path: Path, name: str) -> None:
    content, words = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    refuse_import(relato, tmp_path / name, mapping, words)


@pytest.mark.parametrize("fault", BAD_MAPPINGS)
def test_a_mapping_that_does_not_fit_is_told(relato: Relato, mapping: Path, tmp_path: Path, fault: str) -> None:
    text, words = BAD_MAPPINGS[fault]
    mapping.write_text(text)
    (tmp_path / "customers.csv").write_bytes(WHOLE)
    refuse_import(relato, tmp_path / "customers.csv", mapping, words)


def test_what_is_no_file_to_import_is_told(relato: Relato, mapping: Path, tmp_path: Path) -> None:
    empty, several = tmp_path / "empty", tmp_path / "several"
    for folder in (empty, several):
        folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (several / name).write_bytes(WHOLE)
    refuse_import(relato, empty, mapping, "does not hold a file that the mapping names.*there nothing")
    refuse_import(relato, several, mapping, "or holds several.*there a.csv, b.csv")
    refuse_import(relato, tmp_path / "absent.csv", mapping, "is not there, or cannot be read")
    refuse_import(relato, several / "a.csv" / "inside.csv", mapping, "is not there, or cannot be read")
    refuse_import(relato, "/proc/self/mem", mapping, "cannot be read.*reason")  # opens, and fails when it is read
    refuse_import(relato, several / "a.csv", tmp_path / "absent.toml", "absent.toml: No such file")
    refuse_import(relato, several / "a.csv", several, "Is a directory")


def test_a_file_without_leave_to_read_it_is_told(relato: Relato, mapping: Path, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(WHOLE)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        refuse_import(relato, path, mapping, "cannot be read.*reason Permission denied")
    else:
        pytest.skip("root may read everything")


def test_rejects_that_cannot_be_written_stop_the_import_where_they_come(
    relato: Relato, mapping: Path, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(b"customer,name\n1,Ana,too many\n")
    said = relato("import", path, "--mapping", mapping, "--rejects", tmp_path)
    assert said.status == 1
    assert re.search(r"relato: The file for rejected rows cannot be written there.*Is a directory", said.err), said
    assert relato.status()["position"] == 0


def test_the_same_file_whole_is_imported(relato: Relato, mapping: Path, tmp_path: Path) -> None:
    """Or all the others would be refused for another reason."""
    for name, content in (("a.csv.xz", lzma.compress(WHOLE)), ("b.csv.gz", gzip.compress(WHOLE)), ("c.zip", zipped())):
        (tmp_path / name).write_bytes(content)
        told = relato.tell("import", tmp_path / name, "--mapping", mapping, "--dry-run")
        assert "5000 facts would be recorded" in told
