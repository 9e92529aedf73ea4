"""What is remembered of an employee and of a team."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from domain.fact import Fact
from domain.personal import Sealed

EmployeeId = NewType("EmployeeId", UUID)
TeamId = NewType("TeamId", UUID)


class EmployeeHired(Fact):
    TYPE = "crm.employee.hired.v1"
    name: Sealed | None = None
    role: str | None = None
    team_id: UUID | None = None
    manager_id: UUID | None = None
    region: str | None = None
    reference: Sealed | None = None


class EmployeeAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.employee.amended.v1"
    name: Sealed | None = None
    role: str | None = None
    team_id: UUID | None = None
    manager_id: UUID | None = None
    region: str | None = None
    reference: Sealed | None = None


class EmployeeLeft(Fact):
    TYPE = "crm.employee.left.v1"


class EmployeeErased(Fact):
    """The employee's keys are destroyed: what was sealed for them can be read nowhere any more."""

    TYPE = "crm.employee.erased.v1"


class TeamFormed(Fact):
    TYPE = "crm.team.formed.v1"
    name: str
    region: str | None = None
    manager_id: UUID | None = None


class TeamAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.team.amended.v1"
    name: str | None = None
    region: str | None = None
    manager_id: UUID | None = None


EmployeeFact = EmployeeHired | EmployeeAmended | EmployeeLeft | EmployeeErased
TeamFact = TeamFormed | TeamAmended
