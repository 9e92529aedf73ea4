"""Teams of employees."""

from __future__ import annotations

from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.employee.facts import TeamAmended, TeamFact, TeamFormed
from domain.event import Event
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun


class Team(NamedTuple):
    team_id: UUID
    name: str
    region: str | None = None
    manager_id: UUID | None = None


DETAILS = tuple(TeamAmended.model_fields)


def evolve(row: Team | None, event: Event) -> Team:
    fact = cast("TeamFact", event.fact)
    match fact:
        case TeamFormed():
            return amend(Team(event.stream_id, fact.name), fact, DETAILS)
        case TeamAmended():
            return amend(begun(row, event), fact, DETAILS)
        case _:
            assert_never(fact)


teams = ReadModel(name="teams", version=1, row=Team, key=1, facts=get_args(TeamFact), keys=by_stream, evolve=evolve)
