"""A page of a view's rows, opened, and the cursor of the page behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from adapters.http.cursors import Place, asked_of, read_cursor, write_cursor
from adapters.http.parts import Parts
from adapters.http.principal import Principal
from projections.asking import Question, fits, open_rows, paging_order
from projections.disclosure import Disclosure, seen
from projections.rendering import MOST_TEXT, as_many_as_fit, text_in

SIFTED, MOST_SIFTED = 500, 5_000  # rows opened at once, and for one page at most, where sealed columns are asked about


class Page(NamedTuple):
    """`next` is None where nothing comes behind; with long texts, or sifted, it may be short and have a next one."""

    rows: Sequence[Mapping[str, Any]]
    next: str | None


class _Reading(NamedTuple):
    """What is read for one page."""

    parts: Parts
    service: str
    question: Question
    customer_id: UUID | None

    def rows(self, after: Place | None, limit: int) -> Sequence[tuple[Any, ...]]:
        view, conditions, _, order = self.question
        return self.parts.pages.read(
            self.service, view, conditions, order, after=after, limit=limit, customer_id=self.customer_id
        )

    def place(self, row: tuple[Any, ...]) -> Place:
        """Where a row stands in the order."""
        view = self.question.view
        values = (row[view.columns.index(column)] for column, _ in paging_order(view, self.question.order))
        return [None if value is None else str(value) for value in values]


def read_view(
    parts: Parts,
    caller: Principal,
    service: str,
    question: Question,
    *,
    limit: int,
    cursor: str | None = None,
    customer_id: UUID | None = None,
) -> Page:
    """Opened as far as the caller's roles may see. Blocks. Raises NotAllowedError, InvalidError, UnavailableError."""
    asked = asked_of(question, customer_id)
    after = None if cursor is None else read_cursor(parts.vault, asked, cursor)
    reading = _Reading(parts, service, question, customer_id)
    disclosure = parts.disclosure(caller, seen(caller.roles, service))
    rows, behind = (_sift if question.after else _read)(reading, disclosure, after, limit)
    return Page(rows, None if behind is None else write_cursor(parts.vault, asked, behind))


Found = tuple[Sequence[Mapping[str, Any]], Place | None]


def _read(reading: _Reading, disclosure: Disclosure, after: Place | None, limit: int) -> Found:
    rows = reading.rows(after, limit + 1)
    page = rows[:limit]
    told = as_many_as_fit(zip(page, open_rows(disclosure, reading.question.view, page), strict=True))
    behind = reading.place(told[-1][0]) if len(rows) > len(told) else None
    return [opened for _, opened in told], behind


def _sift(reading: _Reading, disclosure: Disclosure, after: Place | None, limit: int) -> Found:
    """What is sealed can only be asked about once it is open."""
    question, found, size = reading.question, list[Mapping[str, Any]](), 0
    for _ in range(MOST_SIFTED // SIFTED):
        rows = reading.rows(after, SIFTED)
        for row, opened in zip(rows, open_rows(disclosure, question.view, rows), strict=True):
            if fits(opened, question.after):
                found.append(opened)
                size += text_in(opened)
            if len(found) == limit or size > MOST_TEXT:
                return found, reading.place(row)
        if len(rows) < SIFTED:
            return found, None
        after = reading.place(rows[-1])
    return found, after
