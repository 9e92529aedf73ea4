"""Output: tables and colours on a terminal; plain lines, tab-separated, when something else reads them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from projections.rendering import ERASED_TEXT, SEALED_TEXT, WITHHELD_TEXT, as_text, json_line


def is_terminal() -> bool:
    return sys.stdout.isatty()


def print_line(text: str = "") -> None:
    sys.stdout.write(f"{_visible(text)}\n")


def note(text: str) -> None:
    """What is not part of the answer."""
    sys.stderr.write(f"relato: {text}\n")
    sys.stderr.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    if not is_terminal():
        for row in (columns, *rows):
            print_line("\t".join(as_text(value).replace("\t", " ").replace("\n", " ") for value in row))
        return
    from rich import box  # noqa: PLC0415 slow to load, and of no use in a pipe
    from rich.console import Console  # noqa: PLC0415 the same
    from rich.table import Table  # noqa: PLC0415 the same
    from rich.text import Text  # noqa: PLC0415 the same

    table = Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", header_style="bold")
    for row in rows:
        cells = (as_text(value) for value in row)
        table.add_row(*(Text(_visible(cell), style="dim" if cell in MARKERS else "") for cell in cells))
    Console().print(table)


def print_records(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table; on a terminal without the columns that nothing stands in, and row by row where it would be too wide."""
    if not is_terminal():
        print_table(columns, rows)
        return
    texts = [[as_text(value) for value in row] for row in rows]
    used = [n for n, _ in enumerate(columns) if not rows or any(row[n] for row in texts)]
    widths = [max(len(columns[n]), *(min(len(row[n]), WIDEST_CELL) for row in texts), 0) for n in used]
    if sum(widths) + 3 * len(used) <= shutil.get_terminal_size().columns:
        print_table([columns[n] for n in used], ([row[n] for n in used] for row in texts))
        return
    longest = max(len(columns[n]) for n in used)
    for row in texts:
        print_line("\n".join(f"{columns[n]:>{longest}}  {row[n]}" for n in used if row[n]) + "\n")


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Each row's columns as `print_records` does, or all of it as a line of JSON."""
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_records(columns, [[row[column] for column in columns] for row in rows])


WIDEST_CELL = 40
MARKERS = (ERASED_TEXT, WITHHELD_TEXT, SEALED_TEXT)


def _visible(text: str) -> str:
    """Control characters in what customers wrote could take the terminal over."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def print_json(thing: Any) -> None:
    """A line of JSON; what could take the terminal over is escaped, so that it says the same to a program."""
    line = json_line(thing)
    if not line.isprintable():
        line = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)
    sys.stdout.write(f"{line}\n")
