"""What can be ordered about a territory."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.decider import Command
from domain.moments import Moment
from domain.partner.facts import PartnerId
from domain.territory.facts import TerritoryId
from domain.text import Label

Countries = Annotated[tuple[Label, ...], Field(min_length=1, max_length=300)]


class ForTerritory(Command):
    territory_id: TerritoryId


class FormTerritory(ForTerritory):
    """A territory of these countries, written as customers' countries are."""

    NAME = "territory.form"
    name: Label
    countries: Countries


class AmendTerritory(ForTerritory):
    """Changes what is given; `countries` are all that it covers from now on."""

    NAME = "territory.amend"
    name: Label | None = None
    countries: Countries | None = None


class CloseTerritory(ForTerritory):
    """The territory is nobody's any more."""

    NAME = "territory.close"
    reason: Label | None = None


class AssignTerritoryPartner(ForTerritory):
    """Makes a partner responsible for the territory from then on, `valid_until` another time if it is given."""

    NAME = "territory.assign_partner"
    partner_id: PartnerId
    valid_from: Moment
    valid_until: Moment | None = None


class ReleaseTerritoryPartner(ForTerritory):
    """From `valid_until` on the partner is responsible for the territory no more."""

    NAME = "territory.release_partner"
    partner_id: PartnerId
    valid_until: Moment


TerritoryCommand = FormTerritory | AmendTerritory | CloseTerritory | AssignTerritoryPartner | ReleaseTerritoryPartner
