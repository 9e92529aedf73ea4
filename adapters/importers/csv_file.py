"""Rows of a text file, streamed; what is wrong with one row is told on that row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import IO

from adapters.importers.errors import BrokenFileError, EncodingError, MappingError
from adapters.importers.language import CsvSettings
from adapters.importers.rows import Row

LONGEST_LINE = 1 << 20
MOST_BLANK = 100_000  # more than there are rows: nobody exports that, and of what is no row nothing is told
UNDECODED = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of bytes that are none of the encoding


class CsvFile:
    """`columns` as the header or the mapping names them; iterating gives the rows, once."""

    def __init__(self, stream: IO[bytes], settings: CsvSettings, name: str) -> None:
        self._settings, self._name = settings, name
        self._flaw: str | None = None
        try:
            self._text = io.TextIOWrapper(stream, settings.encoding, errors="surrogateescape", newline="")
        except LookupError as error:
            raise MappingError(encoding=settings.encoding) from error
        self._records = iter(self._records_in(self._lines()))
        header = next(self._records, []) if settings.header else []
        self.columns = list(settings.columns) or [
            name.strip() for name in ([] if isinstance(header, csv.Error) else header)
        ]
        self._check_columns()

    def __iter__(self) -> Iterator[Row]:
        """Blank lines are no rows. Raises BrokenFileError where there is little else."""
        width, seq, blank = len(self.columns), 0, 0
        for values in self._records:
            flaw, self._flaw = self._flaw, None
            if isinstance(values, csv.Error):
                values, flaw = [], f"the row cannot be cut into columns: {values}"  # noqa: PLW2901 an error has none
            elif not values and not flaw:
                if (blank := blank + 1) > seq + MOST_BLANK:
                    raise BrokenFileError(file=self._name, after_row=seq, reason="there are only empty lines")
                continue
            seq += 1
            if flaw is None and len(values) != width:
                flaw = f"the row has {len(values)} columns where there should be {width}"
            yield Row(values, seq, flaw)

    def _check_columns(self) -> None:
        """What is no text here is none below, and would stand in every message."""
        names = "".join(self.columns)
        if "\0" in names:
            raise EncodingError(file=self._name, not_in=self._settings.encoding, perhaps="UTF-16")
        if UNDECODED.search(names):
            raise EncodingError(file=self._name, not_in=self._settings.encoding)

    def _records_in(self, lines: Iterator[str]) -> Iterable[list[str] | csv.Error]:
        """Records; an error that swallowed no more than its own line is one of them."""
        if self._settings.delimiter == "whitespace":
            yield from map(str.split, lines)
            return
        settings, line, whole = self._settings, 0, False
        reader = csv.reader(lines, delimiter=settings.delimiter, quotechar=settings.quote, strict=True)
        while not whole:
            try:
                for values in reader:
                    yield values
                    line = reader.line_num
                whole = True
            except csv.Error as error:
                if reader.line_num > line + 1:
                    reason = "a quote opened there does not close"
                    raise BrokenFileError(
                        file=self._name, line=settings.skip_lines + line + 1, reason=reason
                    ) from error
                yield error
                line = reader.line_num

    def _lines(self) -> Iterator[str]:
        """Lines of bounded length; one that is too long is dropped, and told."""
        readline = self._text.readline
        try:
            for _ in range(self._settings.skip_lines):
                self._rest_of(readline(LONGEST_LINE))
            while line := readline(LONGEST_LINE):
                if "\0" in line:
                    self._flaw = "the row holds a NUL character"
                elif not line.isascii() and UNDECODED.search(line):
                    self._flaw = f"the row holds bytes that are not {self._settings.encoding}"
                yield self._rest_of(line)
        except UnicodeDecodeError as error:
            raise BrokenFileError(file=self._name, reason=error) from error

    def _rest_of(self, line: str) -> str:
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            return line
        self._flaw = "the row is longer than 1 MiB"
        while (more := self._text.readline(LONGEST_LINE)) and not more.endswith(("\n", "\r")):
            pass
        return "\n"
