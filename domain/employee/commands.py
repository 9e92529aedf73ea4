"""What can be ordered about an employee and a team."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from domain.decider import Command
from domain.employee.facts import EmployeeId, TeamId
from domain.personal import Personal, Purpose
from domain.text import Label


class ForEmployee(Command):
    employee_id: EmployeeId


class EmployeeDetails(ForEmployee):
    """The fields that hiring and amending share."""

    name: Annotated[Label | None, Personal(Purpose.EMPLOYMENT)] = None
    role: Label | None = None
    team_id: UUID | None = None
    manager_id: UUID | None = None
    region: Label | None = None
    reference: Annotated[Label | None, Personal(Purpose.EMPLOYMENT)] = None


class HireEmployee(EmployeeDetails):
    """Somebody works for the company from now on."""

    NAME = "employee.hire"


class AmendEmployee(EmployeeDetails):
    """Changes the fields that are given."""

    NAME = "employee.amend"


class LeaveEmployee(ForEmployee):
    """The employee works here no more."""

    NAME = "employee.leave"


class EraseEmployee(ForEmployee):
    """Destroys the keys of an employee's personal data; what they did stays, under an id without a name."""

    NAME = "employee.erase"


class ForTeam(Command):
    team_id: TeamId


class FormTeam(ForTeam):
    """A team comes together."""

    NAME = "team.form"
    name: Label
    region: Label | None = None
    manager_id: UUID | None = None


class AmendTeam(ForTeam):
    """Changes the fields that are given."""

    NAME = "team.amend"
    name: Label | None = None
    region: Label | None = None
    manager_id: UUID | None = None


EmployeeCommand = HireEmployee | AmendEmployee | LeaveEmployee | EraseEmployee
TeamCommand = FormTeam | AmendTeam
