"""What a reader is told of a view: its columns, which of them are sealed, and how its rows are asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of a service, under the name it has in the service's schema.

    `columns` are all it has, in the order of showing. A `sealed` one holds sealed values, or JSON with sealed values in
    it at any depth; they are opened at the way out. `key` tells the rows apart and orders pages.
    `subject`: one customer's rows are those where this column is in known_as(customer), which an index serves;
    without it they are asked for by `customer_id`, if there is such a column.
    """

    name: str
    title: str
    help: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    sealed: tuple[str, ...] = ()
    subject: str | None = None
