"""Employees: who sells and who helps, with sealed names."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.employee.facts import EmployeeAmended, EmployeeErased, EmployeeFact, EmployeeHired, EmployeeLeft
from domain.event import Event
from domain.personal import Sealed
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun


class Employee(NamedTuple):
    employee_id: UUID
    hired_at: datetime
    left_at: datetime | None = None
    name: Sealed | None = None
    reference: Sealed | None = None
    role: str | None = None
    region: str | None = None
    team_id: UUID | None = None
    manager_id: UUID | None = None
    erased: bool = False


DETAILS = tuple(EmployeeAmended.model_fields)


def evolve(row: Employee | None, event: Event) -> Employee:
    fact = cast("EmployeeFact", event.fact)
    match fact:
        case EmployeeHired():
            return amend(Employee(event.stream_id, event.occurred_at), fact, DETAILS)
        case EmployeeAmended():
            return amend(begun(row, event), fact, DETAILS)
        case EmployeeLeft():
            return begun(row, event)._replace(left_at=event.occurred_at)
        case EmployeeErased():
            return begun(row, event)._replace(erased=True)
        case _:
            assert_never(fact)


employees = ReadModel(
    name="employees",
    version=1,
    row=Employee,
    key=1,
    facts=get_args(EmployeeFact),
    keys=by_stream,
    evolve=evolve,
)
