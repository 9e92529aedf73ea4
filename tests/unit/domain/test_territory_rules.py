"""The rules for territories, and who is responsible for them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.partner.facts import PartnerId
from domain.territory.commands import (
    AmendTerritory,
    AssignTerritoryPartner,
    CloseTerritory,
    FormTerritory,
    ReleaseTerritoryPartner,
)
from domain.territory.decider import UNKNOWN, Territory, evolve
from domain.territory.facts import (
    TerritoryAmended,
    TerritoryClosed,
    TerritoryFact,
    TerritoryFormed,
    TerritoryId,
    TerritoryPartnerAssigned,
    TerritoryPartnerReleased,
)
from tests.given import given

IBERIA, NORTH, SOUTH = TerritoryId(UUID(int=1)), PartnerId(UUID(int=2)), PartnerId(UUID(int=3))
MARCH, JUNE, AUGUST, OCTOBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 6, 8, 10))
FORM = FormTerritory(territory_id=IBERIA, name="Ibéria", countries=("PT", "ES"))
FORMED, CLOSED = TerritoryFormed(name="Ibéria", countries=("PT", "ES")), TerritoryClosed(reason="split")
SPRING = TerritoryPartnerAssigned(partner_id=NORTH, valid_from=MARCH, valid_until=JUNE)
ONWARDS = TerritoryPartnerAssigned(partner_id=NORTH, valid_from=MARCH)


def assign(partner_id: PartnerId, valid_from: datetime, valid_until: datetime | None = None) -> AssignTerritoryPartner:
    return AssignTerritoryPartner(
        territory_id=IBERIA, partner_id=partner_id, valid_from=valid_from, valid_until=valid_until
    )


def release(partner_id: PartnerId, at: datetime) -> ReleaseTerritoryPartner:
    return ReleaseTerritoryPartner(territory_id=IBERIA, partner_id=partner_id, valid_until=at)


def after(*facts: TerritoryFact) -> Territory:
    state = UNKNOWN
    for fact in facts:
        state = evolve(state, fact)
    return state


def test_a_territory_is_formed_once_and_amended_by_what_differs() -> None:
    given().when(FORM).then(FORMED)
    given(FORMED).when(FORM).then_refused(ExistsError)
    amend = AmendTerritory(territory_id=IBERIA, name="Ibéria", countries=("PT",))
    given(FORMED).when(amend).then(TerritoryAmended(countries=("PT",)))
    given(FORMED, TerritoryAmended(countries=("PT",))).when(amend).then()
    given().when(amend).then_refused(UnknownError)


def test_a_territory_covers_something() -> None:
    with pytest.raises(ValidationError):
        FormTerritory(territory_id=IBERIA, name="Ibéria", countries=())


def test_a_territory_is_closed_once_and_then_left_alone() -> None:
    close = CloseTerritory(territory_id=IBERIA, reason="split")
    given(FORMED).when(close).then(CLOSED)
    given(FORMED, CLOSED).when(close).then()
    for command in (AmendTerritory(territory_id=IBERIA, name="X"), assign(NORTH, MARCH), release(NORTH, MARCH)):
        given(FORMED, CLOSED).when(command).then_refused(ConflictError)


def test_a_partner_is_assigned_from_a_time_until_another_or_without_an_end() -> None:
    given(FORMED).when(assign(NORTH, MARCH, JUNE)).then(SPRING)
    given(FORMED, SPRING).when(assign(NORTH, MARCH, JUNE)).then()
    given(FORMED).when(assign(NORTH, MARCH)).then(ONWARDS)
    given(FORMED).when(assign(NORTH, JUNE, MARCH)).then_refused(InvalidError, match="before it begins")


def test_a_territory_has_one_partner_at_a_time() -> None:
    then = TerritoryPartnerAssigned(partner_id=SOUTH, valid_from=JUNE)
    given(FORMED, SPRING).when(assign(SOUTH, JUNE)).then(then)
    given(FORMED, then).when(assign(NORTH, MARCH, JUNE)).then(SPRING)
    for taken in (SPRING, ONWARDS):
        given(FORMED, taken).when(assign(SOUTH, datetime(2026, 5, 31, tzinfo=UTC))).then_refused(ConflictError)
    given(FORMED, then).when(assign(NORTH, MARCH, AUGUST)).then_refused(ConflictError)


def test_a_released_partners_time_ends_earlier_and_what_comes_later_falls_away() -> None:
    autumn = TerritoryPartnerAssigned(partner_id=NORTH, valid_from=OCTOBER)
    released = TerritoryPartnerReleased(partner_id=NORTH, valid_until=JUNE)
    given(FORMED, ONWARDS).when(release(NORTH, JUNE)).then(released)
    given(FORMED, SPRING, autumn).when(release(NORTH, JUNE)).then(released)
    given(FORMED, SPRING).when(release(NORTH, JUNE)).then()
    given(FORMED, ONWARDS).when(release(SOUTH, JUNE)).then()
    given(FORMED, ONWARDS, released).when(assign(SOUTH, JUNE)).then(
        TerritoryPartnerAssigned(partner_id=SOUTH, valid_from=JUNE)
    )


def test_who_is_responsible_for_a_country_at_a_time() -> None:
    territory = after(FORMED, SPRING, TerritoryPartnerAssigned(partner_id=SOUTH, valid_from=JUNE))
    assert [territory.responsible("PT", at) for at in (MARCH, JUNE, OCTOBER)] == [NORTH, SOUTH, SOUTH]
    assert territory.responsible("PT", datetime(2026, 2, 1, tzinfo=UTC)) is None
    assert (territory.responsible("FR", MARCH), territory.responsible(None, MARCH)) == (None, None)
    assert after(FORMED, SPRING, TerritoryAmended(countries=("FR",))).responsible("FR", MARCH) == NORTH
    assert after(FORMED, SPRING, CLOSED).responsible("PT", MARCH) is None
