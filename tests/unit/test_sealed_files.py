"""A sealed file opens to what it was, and to nothing at all once a block of it is another's, elsewhere, or gone."""

from __future__ import annotations

import os

import pytest

from adapters.attachments.blocks import BLOCK_BYTES, BlockCipher, BrokenFileError, Manifest, new_key
from adapters.attachments.files import FileReader, FileWriter, Written
from adapters.attachments.media_types import OCTETS, check_content, check_type, served_as
from adapters.http.errors import RangeError
from adapters.http.ranges import parse_range
from adapters.ids import uuid7
from adapters.memory.vault import MemoryContentStore
from domain.errors import ContentMismatchError, FileTypeError, InvalidError, KeyMissingError

FILE = os.urandom(2 * BLOCK_BYTES + 10)
ID = uuid7()


def written(content: bytes, contents: MemoryContentStore, step: int = 100_000) -> Written:
    writer = FileWriter(contents, ID, OCTETS)
    for at in range(0, len(content), step):
        writer.take(content[at : at + step])
        writer.store()
    return writer.finish()


def read(contents: MemoryContentStore, manifest: Manifest, size: int = len(FILE)) -> bytes:
    return b"".join(FileReader(contents, ID, manifest, size).read(0, size))


@pytest.mark.parametrize("size", [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES, len(FILE)])
def test_a_file_of_any_size_opens_to_what_it_was(size: int) -> None:
    contents = MemoryContentStore()
    file = written(FILE[:size], contents)
    assert (file.size, len(file.manifest.hashes)) == (size, -(-size // BLOCK_BYTES))
    assert read(contents, Manifest.from_json(file.manifest.to_json()), size) == FILE[:size]


def test_any_part_of_a_file_is_read_without_the_rest() -> None:
    contents = MemoryContentStore()
    reader = FileReader(contents, ID, written(FILE, contents).manifest, len(FILE))
    for first, end in [(0, 1), (5, BLOCK_BYTES), (BLOCK_BYTES - 1, BLOCK_BYTES + 1), (BLOCK_BYTES, len(FILE))]:
        assert b"".join(reader.read(first, end)) == FILE[first:end]


def test_blocks_that_change_places_or_are_dropped_do_not_open() -> None:
    contents = MemoryContentStore()
    key, size, (a, b, c) = written(FILE, contents).manifest
    for hashes in ([b, a, c], [a, c, b], [a, a, c]):
        with pytest.raises(BrokenFileError):
            read(contents, Manifest(key, size, hashes))
    with pytest.raises(BrokenFileError):  # cut off at a block's end
        read(contents, Manifest(key, size, [a, b]), 2 * BLOCK_BYTES)
    with pytest.raises(BrokenFileError):  # of another length than the fact says
        read(contents, Manifest(key, size, [a, b, c]), len(FILE) + BLOCK_BYTES)


def test_a_block_of_another_file_does_not_open() -> None:
    key = new_key()
    sealed = BlockCipher(key, uuid7()).seal(0, b"x", is_last=True)
    with pytest.raises(BrokenFileError):
        BlockCipher(key, ID).open(0, sealed, is_last=True)


def test_a_block_that_is_missing_is_no_erasure() -> None:
    with pytest.raises(KeyMissingError):
        read(MemoryContentStore(), written(FILE, MemoryContentStore()).manifest)


def test_a_file_that_is_only_looked_at_is_not_kept() -> None:
    contents = MemoryContentStore()
    writer = FileWriter(contents, ID, OCTETS, keep=False)
    writer.take(b"x")
    manifest = writer.finish().manifest
    assert contents.get(manifest.hashes) == {}


def test_an_empty_file_is_none() -> None:
    with pytest.raises(InvalidError, match="empty"):
        FileWriter(MemoryContentStore(), ID, OCTETS).finish()


@pytest.mark.parametrize(
    ("media_type", "head"),
    [("application/pdf", b"MZ"), ("image/png", b"%PDF-1.4"), ("text/plain", b"\0"), ("video/mp4", b"plain words")],
)
def test_what_is_not_what_it_is_said_to_be_is_refused(media_type: str, head: bytes) -> None:
    with pytest.raises(ContentMismatchError):
        check_content(media_type, head)


@pytest.mark.parametrize(
    ("media_type", "head"),
    [
        ("application/pdf", b"%PDF-1.4"),
        ("image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(60)),
        ("text/csv", "é;ü\r\n1;2\t\n".encode("latin-1")),
        (OCTETS, b"MZ"),
    ],
)
def test_what_is_what_it_is_said_to_be_is_taken(media_type: str, head: bytes) -> None:
    check_content(media_type, head)


def test_only_types_that_are_listed_are_taken_and_few_of_them_are_shown_by_browsers() -> None:
    assert check_type("Application/PDF; x=y", ["application/pdf"]) == "application/pdf"
    for other in ("text/html", "", "pdf", "application/pdf\r\nX: y"):
        with pytest.raises(FileTypeError):
            check_type(other, ["application/pdf"])
    assert [served_as(kind) for kind in ("image/png", "text/html", "image/svg+xml")] == ["image/png", OCTETS, OCTETS]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None), ("bytes=0-", (0, 10)), ("bytes=2-3", (2, 4)), ("bytes=-3", (7, 10)), ("bytes=-99", (0, 10)),
        ("bytes=5-99", (5, 10)), ("bytes=3-2", None), ("bytes=-", None), ("bytes=0-1,3-4", None), ("lines=1-2", None),
    ],
)  # fmt: skip
def test_a_range_is_read_as_the_standard_says(header: str | None, part: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(RangeError):
        parse_range(header, 10)
