"""Who is in somebody's team, as the read model of employees has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from projections.asking import Condition
from projections.catalogue import VIEWS
from projections.view import View

EMPLOYEES = VIEWS["employees"]
LARGEST_TEAM = 1_000
Read = Callable[[str, View, Sequence[Condition]], Iterable[tuple[Any, ...]]]
"""A page of LARGEST_TEAM rows of a service's view."""


def team_of(read: Read, employee_id: UUID) -> tuple[str, ...]:
    """The ids of all who are in the employee's team, who left it by leaving the company too; none without a team."""
    columns = EMPLOYEES.view.columns
    own = [row[columns.index("team_id")] for row in _read(read, "employee_id", employee_id)]
    if not own or own[0] is None:
        return ()
    return tuple(str(row[columns.index("employee_id")]) for row in _read(read, "team_id", own[0]))


def _read(read: Read, column: str, wanted: UUID) -> Iterable[tuple[Any, ...]]:
    return read(EMPLOYEES.service, EMPLOYEES.view, [Condition(column, "=", str(wanted))])
