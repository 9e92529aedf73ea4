"""What is remembered of a territory."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from domain.fact import Fact
from domain.moments import Moment
from domain.partner.facts import PartnerId

TerritoryId = NewType("TerritoryId", UUID)


class TerritoryFormed(Fact):
    """`countries` are written as customers' countries are; of their addresses no more is kept in clear."""

    TYPE = "crm.territory.formed.v1"
    name: str
    countries: tuple[str, ...]


class TerritoryAmended(Fact):
    """What changed; `countries` are all that it covers from then on."""

    TYPE = "crm.territory.amended.v1"
    name: str | None = None
    countries: tuple[str, ...] | None = None


class TerritoryClosed(Fact):
    """Nobody is responsible for it any more, whatever was agreed."""

    TYPE = "crm.territory.closed.v1"
    reason: str | None = None


class TerritoryPartnerAssigned(Fact):
    """A partner is responsible from `valid_from`, up to and without `valid_until`; without it, until released."""

    TYPE = "crm.territory.partner_assigned.v1"
    partner_id: PartnerId
    valid_from: Moment
    valid_until: Moment | None = None


class TerritoryPartnerReleased(Fact):
    """From `valid_until` on the partner is responsible no more; what would have begun later falls away."""

    TYPE = "crm.territory.partner_released.v1"
    partner_id: PartnerId
    valid_until: Moment


TerritoryFact = (
    TerritoryFormed | TerritoryAmended | TerritoryClosed | TerritoryPartnerAssigned | TerritoryPartnerReleased
)
