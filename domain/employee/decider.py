"""The rules for employees and teams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.employee.commands import (
    AmendEmployee,
    AmendTeam,
    EmployeeCommand,
    EraseEmployee,
    FormTeam,
    HireEmployee,
    LeaveEmployee,
    TeamCommand,
)
from domain.employee.facts import (
    EmployeeAmended,
    EmployeeErased,
    EmployeeFact,
    EmployeeHired,
    EmployeeLeft,
    TeamAmended,
    TeamFact,
    TeamFormed,
)
from domain.errors import ErasedError, ExistsError, UnknownError


@dataclass(frozen=True, slots=True)
class Employee:
    """What the rules need to know of an employee."""

    hired: bool = False
    details: Details = NOTHING
    left: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """What the rules need to know of a team."""

    formed: bool = False
    details: Details = NOTHING


UNKNOWN = Employee()
UNKNOWN_TEAM = Team()


def decide(command: EmployeeCommand, employee: Employee) -> Sequence[EmployeeFact]:
    if employee.erased and isinstance(command, HireEmployee | AmendEmployee):
        raise ErasedError(employee=command.employee_id)
    if isinstance(command, HireEmployee):
        if employee.hired:
            raise ExistsError(employee=command.employee_id)
        return [fact_of(EmployeeHired, command)]
    if not employee.hired:
        raise UnknownError(employee=command.employee_id)
    match command:
        case AmendEmployee():
            return changes(EmployeeAmended, command, employee.details)
        case LeaveEmployee():
            return [] if employee.left else [EmployeeLeft()]
        case EraseEmployee():
            return [] if employee.erased else [EmployeeErased()]
        case _:
            assert_never(command)


def evolve(employee: Employee, fact: EmployeeFact) -> Employee:
    match fact:
        case EmployeeHired():
            return Employee(hired=True, details=learn(NOTHING, fact, EmployeeAmended.model_fields))
        case EmployeeAmended():
            return replace(employee, details=learn(employee.details, fact, EmployeeAmended.model_fields))
        case EmployeeLeft():
            return replace(employee, left=True)
        case EmployeeErased():
            return replace(employee, erased=True)
        case _:
            assert_never(fact)


def decide_team(command: TeamCommand, team: Team) -> Sequence[TeamFact]:
    match command:
        case FormTeam():
            if team.formed:
                raise ExistsError(team=command.team_id)
            return [fact_of(TeamFormed, command)]
        case AmendTeam():
            if not team.formed:
                raise UnknownError(team=command.team_id)
            return changes(TeamAmended, command, team.details)
        case _:
            assert_never(command)


def evolve_team(team: Team, fact: TeamFact) -> Team:
    return Team(formed=True, details=learn(team.details, fact, TeamAmended.model_fields))


employee = Decider("employee", UNKNOWN, decide, evolve)
team = Decider("team", UNKNOWN_TEAM, decide_team, evolve_team)

PLAIN = (AmendEmployee, LeaveEmployee, EraseEmployee)
REGISTRATIONS = (
    Registration(HireEmployee, (Target(employee, "employee_id"),), amended_by=AmendEmployee),
    *(Registration(command, (Target(employee, "employee_id"),)) for command in PLAIN),
    Registration(FormTeam, (Target(team, "team_id"),), amended_by=AmendTeam),
    Registration(AmendTeam, (Target(team, "team_id"),)),
)
