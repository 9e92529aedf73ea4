"""The rules for territories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.partner.decider import active
from domain.period import require_period
from domain.territory.assignments import Assignment, Assignments, after, lasts_beyond, responsible_at
from domain.territory.commands import (
    AmendTerritory,
    AssignTerritoryPartner,
    CloseTerritory,
    FormTerritory,
    ReleaseTerritoryPartner,
    TerritoryCommand,
)
from domain.territory.facts import (
    TerritoryAmended,
    TerritoryClosed,
    TerritoryFact,
    TerritoryFormed,
    TerritoryPartnerAssigned,
    TerritoryPartnerReleased,
)

DETAILS = TerritoryAmended.model_fields.keys()


@dataclass(frozen=True, slots=True)
class Territory:
    """What the rules need to know of a territory; its details are the name and the countries."""

    formed: bool = False
    details: Details = NOTHING
    countries: frozenset[str] = frozenset()
    assignments: Assignments = ()
    closed: bool = False

    def responsible(self, country: str | None, at: datetime) -> UUID | None:
        """The partner to whom a customer in this country belongs at that time, if it is this territory's."""
        return responsible_at(self.assignments, at) if country in self.countries and not self.closed else None


UNKNOWN = Territory()


def decide(command: TerritoryCommand, territory: Territory) -> Sequence[TerritoryFact]:
    if isinstance(command, FormTerritory):
        if territory.formed:
            raise ExistsError(territory=command.territory_id)
        return [fact_of(TerritoryFormed, command)]
    if not territory.formed:
        raise UnknownError(territory=command.territory_id)
    if isinstance(command, CloseTerritory):
        return [] if territory.closed else [fact_of(TerritoryClosed, command)]
    if territory.closed:
        raise ConflictError("the territory was closed; form another")
    match command:
        case AmendTerritory():
            return changes(TerritoryAmended, command, territory.details)
        case AssignTerritoryPartner():
            return _assign(command, territory)
        case ReleaseTerritoryPartner(partner_id=partner_id, valid_until=end):
            lasts = any(lasts_beyond(assignment, partner_id, end) for assignment in territory.assignments)
            return [fact_of(TerritoryPartnerReleased, command)] if lasts else []
        case _:
            assert_never(command)


def _assign(command: AssignTerritoryPartner, territory: Territory) -> Sequence[TerritoryFact]:
    require_period(command.valid_from, command.valid_until)
    wanted = Assignment(command.partner_id, command.valid_from, command.valid_until)
    if wanted in territory.assignments:
        return []
    if taken := next((known for known in territory.assignments if known.overlaps(wanted)), None):
        text = "the territory has a partner then; release them first"
        raise ConflictError(text, partner_id=taken.partner_id, valid_until=taken.valid_until)
    return [fact_of(TerritoryPartnerAssigned, command)]


def evolve(territory: Territory, fact: TerritoryFact) -> Territory:
    match fact:
        case TerritoryFormed() | TerritoryAmended():
            countries = territory.countries if fact.countries is None else frozenset(fact.countries)
            details = learn(territory.details, fact, DETAILS)
            return replace(territory, formed=True, details=details, countries=countries)
        case TerritoryPartnerAssigned() | TerritoryPartnerReleased():
            return replace(territory, assignments=after(territory.assignments, fact))
        case TerritoryClosed():
            return replace(territory, closed=True)
        case _:
            assert_never(fact)


territory = Decider("territory", UNKNOWN, decide, evolve)

ADDRESSED = Target(territory, "territory_id")
REGISTRATIONS = (
    Registration(FormTerritory, (ADDRESSED,), amended_by=AmendTerritory),
    *(Registration(command, (ADDRESSED,)) for command in (AmendTerritory, CloseTerritory, ReleaseTerritoryPartner)),
    Registration(AssignTerritoryPartner, (ADDRESSED, Target(active, "partner_id"))),
)
