"""The file of rejected rows: written so that it can be mended by hand and imported like the file they came from."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from adapters.importers.errors import RejectsError
from adapters.importers.items import Item
from adapters.importers.rows import Row

PREFIX = "relato:"
OURS = ("source", "digest", "row", "repeat", "rule", "identity", "verdict", "reason")
COLUMNS = tuple(PREFIX + name for name in OURS)
ERASED = "erased"


class RejectsFile:
    """Appends rejected rows; what an interrupted run wrote already is not written twice."""

    def __init__(self, path: Path, source: str, digest: bytes, columns: Sequence[str]) -> None:
        self.path, self._source, self._digest, self._columns = path, source, digest.hex()[:16], columns
        self._file: IO[str] | None = None
        self._written: set[tuple[str, ...]] = set()

    def add(self, item: Item, verdict: str, reason: str) -> None:
        """An erased person's row is told without its columns: they would be another copy of what was erased."""
        for row in item.rows:
            mark = (self._digest, str(row.number), item.rule)
            values, identity = ((), "") if verdict == ERASED else (row.values, item.shown_identity)
            ours = (self._source, *mark[:2], row.repeat, item.rule, identity, verdict, reason)
            self._write(mark, (*ours, *values))

    def _write(self, mark: tuple[str, ...], line: Sequence[object]) -> None:
        file = self._file or self._open()
        if mark not in self._written:
            self._written.add(mark)
            csv.writer(file, lineterminator="\n").writerow(line)

    def _open(self) -> IO[str]:
        """Goes on with a file of the same rejects; another's is not touched."""
        header = [*COLUMNS, *self._columns]
        try:
            if self.path.exists() and self.path.stat().st_size:
                self._written = self._read_marks(header)
            self.path.touch(mode=0o600)  # what is rejected is as personal as what is not
            self._file = self.path.open("a", encoding="utf-8", errors="surrogateescape", newline="")
        except OSError as error:
            raise RejectsError(file=self.path, reason=error.strerror or error) from error
        if self._file.tell() == 0:
            csv.writer(self._file, lineterminator="\n").writerow(header)
        return self._file

    def _read_marks(self, header: list[str]) -> set[tuple[str, ...]]:
        with self.path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            lines = csv.reader(file)
            if next(lines, []) != header:
                raise RejectsError(file=self.path, reason="another file is there; name one that does not exist")
            return {(line[1], line[2], line[4]) for line in lines if len(line) >= len(COLUMNS)}

    @property
    def is_open(self) -> bool:
        """Whether there was anything to write."""
        return self._file is not None

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def are_rejects(columns: Sequence[str]) -> bool:
    return tuple(columns[: len(COLUMNS)]) == COLUMNS


def as_originals(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows of a file of rejects as rows of the file they came from; those of erased persons stay out."""
    for row in rows:
        if len(row.values) >= len(COLUMNS):
            kept = row.values[: len(COLUMNS)]
            _, _, number, repeat, rule, identity, verdict, _ = kept
            if verdict == ERASED:
                continue
            row.values = row.values[len(COLUMNS) :]
            row.number = int(number) if number.isdecimal() else row.seq
            row.repeat = int(repeat) if repeat.isdecimal() else repeat
            row.only_rule = None if rule == "*" else rule
            row.identity = identity
        yield row
