"""What comes of each type of event, about whom it may tell, and what it is refused for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.ids import uuid7
from domain.agreement.terms import INBOUND, Scope
from domain.errors import ConflictError, ExistsError, InvalidError, RefusedError, TooFarAheadError, UnknownError
from domain.event import Origin
from domain.order.facts import OrderShipped
from domain.product.facts import ProductAvailabilityReported
from domain.ticket.facts import TicketNoted, TicketResolved
from streams.inbound.errors import EventDataError, NotAcceptedError
from streams.inbound.intake import Kind, Verdict
from streams.inbound.types import TYPES
from tests.sending import Desk, accepting, event

STRANGER = UUID(int=7)
LEAD: dict[str, Any] = {
    "name": "Ana Lima",
    "country": "PT",
    "reference": "L-7",
    "contact_points": [{"channel": "email", "value": "ana@example.org"}],
    "need": "tiles",
    "note": "for the kitchen",
}


def require_refused(verdict: Verdict, error: type[RefusedError], match: str = "") -> None:
    assert verdict.kind is Kind.REFUSED
    assert type(verdict.error) is error, verdict.error
    assert match in str(verdict.error)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_each_type_that_an_agreement_can_name_is_declared_and_no_other() -> None:
    assert TYPES.keys() == INBOUND.keys()
    assert all(scopes and scopes <= set(Scope) for scopes in INBOUND.values())


class TestAvailability:
    def test_a_supplier_tells_how_much_there_is_of_its_product(self, desk: Desk) -> None:
        desk.agree(accepting("availability"))
        product_id = desk.product()
        data = {"product_id": str(product_id), "level": "low", "quantity": 3, "expected_on": "2026-04-01"}
        verdict = desk.send(event("availability", data, time="2026-02-28T09:00:00Z"))
        assert (verdict.kind, bool(verdict.token)) == (Kind.ACCEPTED, True)
        newest = desk.world.newest(product_id)
        assert isinstance(newest.fact, ProductAvailabilityReported)
        assert (newest.fact.level, newest.fact.quantity, newest.fact.partner_id) == ("low", 3, desk.partner_id)
        assert (newest.origin, newest.actor) == (Origin.PARTNER, str(desk.partner_id))
        assert newest.occurred_at == datetime(2026, 2, 28, 9, tzinfo=UTC)

    def test_of_anothers_product_or_of_none_it_tells_nothing_and_cannot_find_out_which(self, desk: Desk) -> None:
        desk.agree(accepting("availability"))
        other = uuid7()
        desk.world.do("partner.register", partner_id=other, name="Vidros", kind="supplier")
        for product_id in (desk.product(other), STRANGER, desk.ticket(), desk.partner_id):
            verdict = desk.send(event("availability", {"product_id": str(product_id), "level": "low"}))
            require_refused(verdict, UnknownError, "nothing that this agreement lets you tell of")

    def test_in_the_scope_of_all_it_tells_of_any_product_as_its_own_word(self, desk: Desk) -> None:
        desk.agree(accepting("availability", scope="all"))
        other = uuid7()
        desk.world.do("partner.register", partner_id=other, name="Vidros", kind="supplier")
        product_id = desk.product(other)
        assert desk.send(event("availability", {"product_id": str(product_id), "level": "low"})).error is None
        assert getattr(desk.world.newest(product_id).fact, "partner_id", None) == desk.partner_id

    def test_a_product_that_changed_its_supplier_is_the_new_ones(self, desk: Desk) -> None:
        desk.agree(accepting("availability"))
        other, product_id = uuid7(), desk.product()
        desk.world.do("partner.register", partner_id=other, name="Vidros", kind="supplier")
        desk.world.do("product.amend", product_id=product_id, supplier_id=other)
        verdict = desk.send(event("availability", {"product_id": str(product_id), "level": "low"}))
        require_refused(verdict, UnknownError)

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({"level": "plenty"}, "level"),
            ({"level": None}, "level"),
            ({"quantity": -1}, "quantity"),
            ({"quantity": 10**9 + 1}, "quantity"),
            ({"expected_on": "soon"}, "expected_on"),
            ({"product_id": "jar"}, "product_id"),
            ({"colour": "green"}, "colour"),
        ],
    )
    def test_data_that_do_not_fit_are_refused_by_their_place(
        self, desk: Desk, more: dict[str, Any], match: str
    ) -> None:
        desk.agree(accepting("availability"))
        data = {"product_id": str(desk.product()), "level": "low", **more}
        require_refused(desk.send(event("availability", data)), EventDataError, match)

    def test_the_rules_of_products_hold(self, desk: Desk) -> None:
        desk.agree(accepting("availability"))
        product_id = desk.product()
        unfit = {"product_id": str(product_id), "level": "out_of_stock", "quantity": 3}
        require_refused(desk.send(event("availability", unfit)), InvalidError)
        desk.world.do("product.withdraw", product_id=product_id)
        gone = {"product_id": str(product_id), "level": "low"}
        require_refused(desk.send(event("availability", gone, "2")), ConflictError, "withdrawn")

    def test_a_time_too_far_ahead_is_refused(self, desk: Desk) -> None:
        desk.agree(accepting("availability"))
        data = {"product_id": str(desk.product()), "level": "low"}
        require_refused(desk.send(event("availability", data, time="2027-01-01T00:00:00Z")), TooFarAheadError)


class TestShipment:
    def shipped(self, order_id: UUID, name: str = "A", **more: Any) -> dict[str, Any]:
        return {"order_id": str(order_id), "shipment": name, **more}

    def test_a_supplier_ships_its_lines_and_tells_how_they_fare(self, desk: Desk) -> None:
        desk.agree(accepting("shipment"))
        ours, order_id = desk.product(), None
        order_id = desk.order(ours)
        left = self.shipped(order_id, carrier="DHL", lines=[{"product_id": str(ours), "quantity": 1}])
        steps = [left, *(self.shipped(order_id, status=one) for one in ("failed", "delivered", "returned"))]
        verdicts = [desk.send(event("shipment", data, str(n))) for n, data in enumerate(steps)]
        assert [one.error for one in verdicts] == [None] * 4
        tail = ["order.shipped", "order.shipment_failed", "order.shipment_delivered", "order.shipment_returned"]
        assert desk.types(order_id)[1:] == tail
        fact = desk.world.ledger.load([order_id])[1].fact
        assert isinstance(fact, OrderShipped)
        assert (fact.partner_id, fact.carrier) == (desk.partner_id, "DHL")

    def test_of_an_order_with_others_products_it_names_its_own_lines(self, desk: Desk) -> None:
        desk.agree(accepting("shipment"))
        other = uuid7()
        desk.world.do("partner.register", partner_id=other, name="Vidros", kind="supplier")
        ours, theirs = desk.product(), desk.product(other)
        order_id = desk.order(ours, theirs)
        require_refused(desk.send(event("shipment", self.shipped(order_id))), InvalidError, "name the lines")
        stolen = self.shipped(order_id, lines=[{"product_id": str(theirs), "quantity": 1}])
        require_refused(desk.send(event("shipment", stolen, "2")), UnknownError, "no line of such a product")
        right = self.shipped(order_id, lines=[{"product_id": str(ours), "quantity": 1}])
        assert desk.send(event("shipment", right, "3")).error is None

    def test_an_order_without_its_products_is_not_there_for_it(self, desk: Desk) -> None:
        desk.agree(accepting("shipment"))
        other = uuid7()
        desk.world.do("partner.register", partner_id=other, name="Vidros", kind="supplier")
        order_id = desk.order(desk.product(other))
        require_refused(desk.send(event("shipment", self.shipped(order_id))), UnknownError, "nothing that")
        require_refused(desk.send(event("shipment", self.shipped(STRANGER))), UnknownError, "nothing that")

    def test_it_follows_only_what_it_sent_itself(self, desk: Desk) -> None:
        desk.agree(accepting("shipment"))
        order_id = desk.order(desk.product())
        desk.world.do("order.ship", order_id=order_id, shipment="OURS")
        for name in ("OURS", "none"):
            data = self.shipped(order_id, name, status="delivered")
            require_refused(desk.send(event("shipment", data)), UnknownError, "you sent no shipment of this name")

    def test_a_name_is_taken_once(self, desk: Desk) -> None:
        desk.agree(accepting("shipment"))
        order_id = desk.order(desk.product())
        assert desk.send(event("shipment", self.shipped(order_id))).error is None
        require_refused(desk.send(event("shipment", self.shipped(order_id), "2")), ExistsError)

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({"reason": "late"}, "do not go with the status"),
            ({"status": "delivered", "carrier": "DHL"}, "do not go with the status"),
            ({"status": "failed", "lines": [{"product_id": str(STRANGER), "quantity": 1}]}, "do not go with"),
        ],
    )
    def test_what_a_status_has_no_place_for_is_refused(self, desk: Desk, more: dict[str, Any], match: str) -> None:
        desk.agree(accepting("shipment"))
        order_id = desk.order(desk.product())
        require_refused(desk.send(event("shipment", self.shipped(order_id, **more))), InvalidError, match)

    @pytest.mark.parametrize("more", [{"status": "lost"}, {"shipment": ""}, {"lines": []}, {"order_id": 1}])
    def test_data_that_do_not_fit_are_refused(self, desk: Desk, more: dict[str, Any]) -> None:
        desk.agree(accepting("shipment"))
        data = self.shipped(desk.order(desk.product())) | more
        require_refused(desk.send(event("shipment", data)), EventDataError)


class TestServiceDone:
    def test_a_service_resolves_the_ticket_and_its_note_is_sealed(self, desk: Desk) -> None:
        desk.agree(accepting("service_done"))
        customer_id = desk.world.customer(name="Ana")
        ticket_id = desk.ticket(product_id=desk.product(), customer_id=customer_id)
        data = {"ticket_id": str(ticket_id), "outcome": "glazed anew", "note": "Ana was at home"}
        assert desk.send(event("service_done", data)).kind is Kind.ACCEPTED
        resolved, noted = (one.fact for one in desk.world.ledger.load([ticket_id])[1:])
        assert isinstance(resolved, TicketResolved)
        assert (resolved.outcome, resolved.partner_id) == ("glazed anew", desk.partner_id)
        assert isinstance(noted, TicketNoted)
        assert desk.world.open(noted.content) == "Ana was at home"

    def test_a_ticket_about_anothers_product_or_none_is_not_there_for_a_supplier(self, desk: Desk) -> None:
        desk.agree(accepting("service_done"))
        other = uuid7()
        desk.world.do("partner.register", partner_id=other, name="Vidros", kind="supplier")
        for ticket_id in (desk.ticket(product_id=desk.product(other)), desk.ticket(), STRANGER):
            verdict = desk.send(event("service_done", {"ticket_id": str(ticket_id)}))
            require_refused(verdict, UnknownError, "nothing that")

    def test_in_a_territory_it_is_for_whom_it_was_when_the_service_was_done(self, desk: Desk) -> None:
        desk.agree(accepting("service_done", scope="territory"))
        territory_id = uuid7()
        desk.world.do("territory.form", territory_id=territory_id, name="Iberia", countries=["PT", "ES"])
        ids = {"territory_id": territory_id, "partner_id": desk.partner_id}
        desk.world.do("territory.assign_partner", valid_from="2026-02-01T00:00:00Z", **ids)
        ours, theirs = (desk.world.customer(country=country) for country in ("PT", "FR"))
        here, there = (desk.ticket(customer_id=one) for one in (ours, theirs))
        assert desk.send(event("service_done", {"ticket_id": str(here)})).error is None
        require_refused(desk.send(event("service_done", {"ticket_id": str(there)}, "2")), UnknownError)
        before = event("service_done", {"ticket_id": str(here)}, "3", time="2026-01-31T00:00:00Z")
        require_refused(desk.send(before), UnknownError)
        desk.world.do("customer.amend", customer_id=ours, country="FR")
        require_refused(desk.send(event("service_done", {"ticket_id": str(here)}, "4")), UnknownError)

    def test_of_a_named_customer_it_is_also_for_whoever_was_merged_into_it(self, desk: Desk) -> None:
        ana, named, rui = (desk.world.customer() for _ in range(3))
        desk.agree(accepting("service_done", scope="customers", customers=[str(named)]))
        of_ana, of_rui = (desk.ticket(customer_id=one) for one in (ana, rui))
        sent = event("service_done", {"ticket_id": str(of_ana)})
        require_refused(desk.send(sent), UnknownError)
        desk.world.do("customer.merge", customer_id=ana, into_id=named)
        assert desk.send(sent).kind is Kind.ACCEPTED
        require_refused(desk.send(event("service_done", {"ticket_id": str(of_rui)}, "2")), UnknownError)


class TestLead:
    def test_a_lead_becomes_a_prospect_whose_data_are_sealed(self, desk: Desk) -> None:
        desk.agree(accepting("lead", scope="all"))
        before = desk.world.ledger.last_position()
        assert desk.send(event("lead", LEAD)).kind is Kind.ACCEPTED
        events = desk.world.ledger.read(before, 100)
        types = ["customer.registered", "customer.contact_point_added", "customer.need_noted"]
        assert desk.types(events[0].stream_id) == types
        assert {one.origin for one in events} == {Origin.PARTNER}
        assert len({one.correlation_id for one in events}) == 1
        fact = events[0].fact.model_dump()
        assert (fact["partner_id"], fact["stage"], fact["country"]) == (desk.partner_id, "prospect", "PT")
        assert desk.world.open(fact["name"]) == "Ana Lima"
        assert b"Ana" not in b"".join(one.data for one in events)

    def test_the_same_lead_again_is_nobody_new(self, desk: Desk) -> None:
        desk.agree(accepting("lead", scope="all"))
        assert [desk.send(event("lead", LEAD)).kind for _ in range(2)] == [Kind.ACCEPTED, Kind.REPEATED]
        assert len([one for one in desk.world.ledger.read(0, 100) if one.type == "crm.customer.registered.v1"]) == 1

    def test_in_a_territory_a_lead_lives_where_it_is_the_partners(self, desk: Desk) -> None:
        desk.agree(accepting("lead", scope="territory"))
        territory_id = uuid7()
        desk.world.do("territory.form", territory_id=territory_id, name="Iberia", countries=["PT"])
        ids = {"territory_id": territory_id, "partner_id": desk.partner_id}
        desk.world.do("territory.assign_partner", valid_from="2026-01-01T00:00:00Z", **ids)
        assert desk.send(event("lead", LEAD)).error is None
        for n, country in enumerate(("FR", None), 2):
            verdict = desk.send(event("lead", {**LEAD, "country": country}, str(n)))
            require_refused(verdict, UnknownError)

    @pytest.mark.parametrize(
        ("more", "match"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"contact_points": [{"channel": "email"}]}, "contact_points.0.value"),
            ({"contact_points": [{"channel": "email", "value": "x"}] * 11}, "contact_points"),
            ({"need": None}, "a note belongs to a need"),
            ({"stage": "customer"}, "stage"),
        ],
    )
    def test_data_that_do_not_fit_are_refused(self, desk: Desk, more: dict[str, Any], match: str) -> None:
        desk.agree(accepting("lead", scope="all"))
        require_refused(desk.send(event("lead", {**LEAD, **more})), EventDataError, match)


def test_a_type_that_the_agreement_does_not_name_is_refused_with_those_that_it_does(desk: Desk) -> None:
    desk.agree(accepting("availability"))
    for type_ in ("shipment", "wishes"):
        verdict = desk.send(event(type_, {}))
        require_refused(verdict, NotAcceptedError)
        assert verdict.error is not None
        assert verdict.error.details["accepted"] == ["partner.availability.v1"]
