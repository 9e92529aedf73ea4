"""Opens a source as rows, whatever its form."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.importers.archives import Opened, Source
from adapters.importers.csv_file import CsvFile
from adapters.importers.errors import EmptyFileError
from adapters.importers.language import CsvSettings
from adapters.importers.rejects import COLUMNS, are_rejects, as_originals
from adapters.importers.rows import Row
from adapters.importers.xes_file import XesFile

REJECTS_MARK = ",".join(COLUMNS).encode()


@dataclass(frozen=True)
class Reading:
    """A source that is being read: its columns, and its rows, once."""

    columns: list[str]
    rows: Iterator[Row]
    opened: Opened


@contextmanager
def read(source: Source, settings: CsvSettings) -> Iterator[Reading]:
    with source.open() as opened:
        if not opened.stream.peek(1):
            raise EmptyFileError(file=source.name)
        if source.name.endswith(".xes"):
            log = XesFile(opened.stream, source.name)
            yield Reading(log.columns, iter(log), opened)
            return
        rejected = _looks_rejected(opened)
        table = CsvFile(opened.stream, CsvSettings() if rejected else settings, source.name)
        if rejected and are_rejects(table.columns):
            yield Reading(table.columns[len(COLUMNS) :], as_originals(iter(table)), opened)
        else:
            yield Reading(table.columns, iter(table), opened)


def origin_of(source: Source) -> str | None:
    """What a file of rejects says its rows came from, as `source/file`; None for other files."""
    with source.open() as opened:
        if not _looks_rejected(opened):
            return None
        first = next(iter(CsvFile(opened.stream, CsvSettings(), source.name)), None)
    return first.values[0] if first and first.values else ""


def _looks_rejected(opened: Opened) -> bool:
    """Spreadsheets put a mark before the first byte when they save."""
    start = opened.stream.peek(len(BOM_UTF8) + len(REJECTS_MARK))
    return start.removeprefix(BOM_UTF8).startswith(REJECTS_MARK)
