"""The rows that partners' feeds need: availability, territories, places, shipments, consents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain.customer.facts import (
    ConsentChannel,
    ConsentGiven,
    ConsentWithdrawn,
    CustomerAmended,
    CustomerRegistered,
    Kind,
    PersonErased,
    PersonId,
    Stage,
)
from domain.money import Money
from domain.opportunity.facts import (
    OpportunityLost,
    OpportunityMoved,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from domain.opportunity.facts import Stage as DealStage
from domain.order.facts import (
    OrderShipmentDelivered,
    OrderShipmentFailed,
    OrderShipmentReturned,
    OrderShipped,
    ShippedLine,
)
from domain.partner.facts import PartnerId
from domain.personal import Purpose
from domain.product.facts import Level, ProductAvailabilityReported
from domain.territory.facts import (
    TerritoryAmended,
    TerritoryClosed,
    TerritoryFormed,
    TerritoryPartnerAssigned,
    TerritoryPartnerReleased,
)
from projections.marketing.consents_said import ConsentSaid, consents_said
from projections.partners.availability import availability
from projections.partners.leads import leads
from projections.partners.territories import Territory, territories
from projections.rows import RowMissingError
from projections.sales.customer_places import CustomerPlaces, customer_places
from projections.sales.shipments import Shipments, shipments
from tests.given import seal
from tests.unit.projections.folding import BEGIN, STREAM, after, event_of, fold

MAKER, CHAIR, BEN = UUID(int=51), UUID(int=61), PersonId(UUID(int=71))
MARCH, JUNE = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 6))
FORMED = TerritoryFormed(name="Ibéria", countries=("PT", "ES"))
ASSIGNED = TerritoryPartnerAssigned(partner_id=PartnerId(MAKER), valid_from=MARCH)


def test_the_last_report_of_each_who_has_it_counts() -> None:
    ours = ProductAvailabilityReported(level=Level.LOW, quantity=4, expected_on=date(2026, 3, 20))
    theirs = ProductAvailabilityReported(level=Level.IN_STOCK, partner_id=MAKER)
    row = fold(availability, ours, theirs, ProductAvailabilityReported(level=Level.OUT_OF_STOCK))
    assert (row.partner_ids, row.levels) == ((None, MAKER), ("out_of_stock", "in_stock"))
    assert (row.quantities, row.expected_ons, row.reported_ats) == ((None, None), (None, None), (after(2), after(1)))


def covered(row: Territory) -> list[tuple[tuple[str, ...], str]]:
    return [(one["countries"], one["since"]) for one in row.coverage]


def test_a_territory_keeps_what_it_covered_and_since_when() -> None:
    row = fold(territories, FORMED, TerritoryAmended(name="Lusitânia", countries=("PT",)), TerritoryClosed())
    assert (row.name, row.countries, row.formed_at, row.closed_at) == ("Lusitânia", ("PT",), BEGIN, after(2))
    assert covered(row) == [(("PT", "ES"), BEGIN.isoformat()), (("PT",), after(1).isoformat())]
    assert fold(territories, FORMED, TerritoryAmended(name="X")).coverage == fold(territories, FORMED).coverage


def test_what_is_told_later_of_an_earlier_time_counts_from_then_on() -> None:
    row = fold(territories, FORMED)
    for number, (countries, at) in enumerate((("PT", after(20)), ("FR", after(10))), 2):
        event = event_of(TerritoryAmended(countries=(countries,)), number, at=at)
        row = territories.evolve(row, event) or row
    assert covered(row)[1:] == [(("FR",), after(10).isoformat())]


def test_a_territory_holds_its_partners_side_by_side() -> None:
    released = TerritoryPartnerReleased(partner_id=PartnerId(MAKER), valid_until=JUNE)
    row = fold(territories, FORMED, ASSIGNED)
    assert (row.partner_ids, row.valid_froms, row.valid_untils) == ((MAKER,), (MARCH,), (None,))
    row = fold(territories, FORMED, ASSIGNED, released)
    assert (row.partner_ids, row.valid_froms, row.valid_untils) == ((MAKER,), (MARCH,), (JUNE,))


def registered(country: str | None = None) -> CustomerRegistered:
    return CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT, country=country)


def test_a_customer_who_tells_no_country_is_nowhere() -> None:
    assert customer_places.evolve(None, event_of(registered())) is None
    row = customer_places.evolve(None, event_of(CustomerAmended(country="PT"), at=after(3)))
    assert row == CustomerPlaces(STREAM, ("PT",), (after(3),))


def test_a_customer_who_moves_was_where_they_were() -> None:
    row = fold(customer_places, registered("PT"), CustomerAmended(sector="art"), CustomerAmended(country="ES"))
    assert (row.countries, row.since) == (("PT", "ES"), (BEGIN, after(2)))
    earlier = customer_places.evolve(row, event_of(CustomerAmended(country="FR"), 4, at=after(1)))
    assert earlier == CustomerPlaces(STREAM, ("PT", "FR"), (BEGIN, after(1)))


def test_a_lead_is_an_opportunity_that_a_partner_passed() -> None:
    opened = OpportunityOpened(stage=DealStage.PROSPECTING, partner_id=MAKER)
    moved, amount = OpportunityMoved(stage=DealStage.PROPOSAL), Money(amount_minor=1, currency="EUR")
    row = fold(leads, opened, moved, OpportunityLost())
    assert (row.partner_id, row.status, row.stage) == (MAKER, "lost", "proposal")
    assert (row.passed_at, row.changed_at) == (BEGIN, after(2))
    row = fold(leads, opened, OpportunityLost(), OpportunityReopened(stage=DealStage.ENGAGING))
    assert (row.status, row.stage) == ("open", "engaging")
    assert fold(leads, opened, OpportunityWon(amount=amount)).status == "won"
    ours = opened.model_copy(update={"partner_id": None})
    assert [leads.evolve(None, event_of(fact)) for fact in (ours, moved)] == [None, None]


def statuses(row: Shipments) -> dict[str, str]:
    return {one["shipment"]: one["status"] for one in row.shipments}


def test_shipments_stand_under_their_names_or_the_next_number() -> None:
    row = fold(shipments, OrderShipped(carrier="CTT", tracking="R1"), OrderShipped(shipment="A"), OrderShipped())
    assert statuses(row) == {"1": "under_way", "A": "under_way", "3": "under_way"}
    assert (row.shipments[0]["carrier"], row.shipments[0]["shipped_at"]) == ("CTT", BEGIN.isoformat())


def test_each_shipment_goes_its_own_way() -> None:
    lines = (ShippedLine(product_id=CHAIR, quantity=2), ShippedLine(product_id=MAKER, quantity=3))
    row = fold(
        shipments,
        *(OrderShipped(shipment=name, lines=lines if name == "A" else None) for name in "ABC"),
        OrderShipmentDelivered(shipment="A"),
        OrderShipmentFailed(shipment="B", reason="nobody in"),
        OrderShipmentReturned(shipment="C"),
    )
    assert statuses(row) == {"A": "delivered", "B": "failed", "C": "returned"}
    arrived, failed, _ = row.shipments
    assert (arrived["units"], arrived["delivered_at"], failed["units"]) == (5, after(3).isoformat(), None)
    assert (failed["reason"], failed["changed_at"]) == ("nobody in", after(4).isoformat())


def test_the_row_of_a_consent_is_the_last_that_was_said() -> None:
    given = ConsentGiven(
        channel=ConsentChannel.EMAIL, purpose=Purpose.MARKETING, person_id=BEN, valid_until=JUNE, evidence=seal("yes")
    )
    row = fold(consents_said, given, stream=STREAM, subject=STREAM)
    told = (STREAM, BEN, "email", "marketing", True, BEGIN, JUNE, BEGIN, None, seal("yes"))
    assert row == ConsentSaid(*told)
    withdrawn = ConsentWithdrawn(channel=ConsentChannel.EMAIL, purpose=Purpose.MARKETING, person_id=BEN)
    row = fold(consents_said, given, withdrawn, stream=STREAM, subject=STREAM)
    assert (row.given, row.said_at, row.valid_until, row.evidence) == (False, after(1), None, None)


def test_an_erasure_takes_every_consent_of_the_person() -> None:
    event = event_of(PersonErased(person_ids=(BEN,)), stream=STREAM, subject=STREAM)
    keys = set(consents_said.keys(event))
    assert {(STREAM, BEN, channel, purpose) for channel in ConsentChannel for purpose in Purpose} == keys
    assert consents_said.evolve(None, event) is None


@pytest.mark.parametrize("fact", [TerritoryClosed(), ASSIGNED, TerritoryAmended(name="X")])
def test_a_fact_of_a_territory_that_was_never_formed_raises_so_that_it_is_parked(fact: TerritoryClosed) -> None:
    with pytest.raises(RowMissingError):
        territories.evolve(None, event_of(fact))


def test_a_shipment_that_never_left_raises_so_that_it_is_parked() -> None:
    with pytest.raises(RowMissingError):
        shipments.evolve(None, event_of(OrderShipmentDelivered(shipment="A")))
