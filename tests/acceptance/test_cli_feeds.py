"""What partners' feeds rest on, from the command to the read model, as its users see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.program import Relato, one

capability = pytest.mark.capability


@pytest.fixture(scope="module")
def ana(relato: Relato) -> str:
    return relato.make("customer.register", name="Ana Souza", country="PT")


@pytest.fixture(scope="module")
def supplier(relato: Relato) -> str:
    return relato.make("partner.register", name="Luz Ltda", kind="supplier")


@pytest.fixture(scope="module")
def distributor(relato: Relato) -> str:
    return relato.make("partner.register", name="Norte Lda", kind="distributor")


@pytest.fixture(scope="module")
def lamp(relato: Relato, supplier: str) -> str:
    return relato.make("product.register", name="Lamp", price="19.99 EUR", supplier_id=supplier)


def day(number: int) -> str:
    return (datetime.now(UTC) + timedelta(days=number)).isoformat()


@capability("C64")
def test_a_distributor_is_responsible_for_the_customers_of_its_territory(
    relato: Relato, ana: str, distributor: str, supplier: str
) -> None:
    territory = relato.make("territory.form", name="Portugal", countries="PT")
    relato.do("territory.assign_partner", territory_id=territory, partner_id=distributor, valid_from=day(-9))
    row = one(relato.rows("responsibilities", customer_id=ana, is_current=True, role="sales"))
    assert (row["territory_name"], row["partner_name"]) == ("Portugal", "Norte Lda")
    theirs = ("show", "territory_partners", "--json")
    assert territory in relato.tell("--role", "partner", "--as", distributor, *theirs)
    assert relato.tell("--role", "partner", "--as", supplier, *theirs) == ""
    assert relato("--role", "partner", "--as", distributor, "show", "responsibilities").status == 1
    relato.do("territory.close", territory_id=territory, reason="divided")
    assert relato.rows("responsibilities", customer_id=ana, is_current=True) == []


@capability("C64")
def test_a_supplier_tells_how_much_there_is_and_sellers_see_it_beside_the_price(
    relato: Relato, lamp: str, supplier: str
) -> None:
    relato.do("product.report_availability", product_id=lamp, level="low", quantity=3)
    relato.do("product.report_availability", product_id=lamp, level="in_stock", quantity=90, partner_id=supplier)
    row = one(relato.rows("product_availability", product_id=lamp, role="sales"))
    assert (row["price_minor"], row["level"], row["quantity"]) == (1999, "low", 3)
    assert (row["supplier_name"], row["supplier_level"], row["supplier_quantity"]) == ("Luz Ltda", "in_stock", 90)
    theirs = relato.tell("--role", "partner", "--as", supplier, "show", "availability", "--json")
    assert theirs.count("\n") == 1
    wrong = relato("do", "product.report_availability", "--product-id", lamp, "--level", "in_stock", "--quantity", 0)
    assert (wrong.status, wrong.err.count("\n")) == (1, 1)


@capability("C02")
def test_an_order_leaves_in_parts_and_each_is_followed_until_it_arrives(relato: Relato, ana: str, lamp: str) -> None:
    lines = [{"product_id": lamp, "quantity": 2, "amount_minor": 3998}]
    order = relato.make("order.place", customer_id=ana, number="A-1", currency="EUR", lines=lines)
    part = [{"product_id": lamp, "quantity": 1}]
    for tracking in ("PT1", "PT2"):
        relato.do("order.ship", order_id=order, carrier="CTT", tracking=tracking, lines=part)
    relato.do("order.deliver_shipment", order_id=order, shipment="1")
    relato.do("order.fail_shipment", order_id=order, shipment="2", reason="nobody was there")
    rows = relato.rows("shipments", order_id=order, role="sales")
    assert [(row["shipment"], row["tracking"], row["status"], row["customer_name"]) for row in rows] == [
        ("1", "PT1", "delivered", "Ana Souza"),
        ("2", "PT2", "failed", "Ana Souza"),
    ]
    assert one(relato.rows("order_shipping", order_id=order, role="sales"))["status"] == "partly_shipped"
    relato.do("order.deliver_shipment", order_id=order, shipment="2")
    assert one(relato.rows("order_shipping", order_id=order, role="sales"))["status"] == "delivered"
    assert relato("do", "order.deliver_shipment", "--order-id", order, "--shipment", "3").status == 1


def test_what_a_customer_permits_is_known_with_its_proof_and_expires_by_itself(relato: Relato) -> None:
    customer = relato.make("customer.register", name="Bia Lima")
    for channel, purpose, until in (("email", "marketing", 9), ("telephone", "marketing", -1)):
        relato.do("customer.give_consent", customer_id=customer, channel=channel, purpose=purpose, source="form",
                  evidence="ticked the box", valid_from=day(-9), valid_until=day(until))  # fmt: skip
    relato.do("customer.withdraw_consent", customer_id=customer, channel="partner_sharing", purpose="service")
    rows = relato.rows("consents", customer_id=customer, role="marketing")
    assert [(row["channel"], row["standing"], row["evidence"]) for row in rows] == [
        ("email", "given", "ticked the box"),
        ("partner_sharing", "withdrawn", None),
        ("telephone", "expired", "ticked the box"),
    ]
    other = relato.make("customer.register", name="Beatriz Lima")
    relato.do("customer.withdraw_consent", customer_id=other, channel="email", purpose="marketing")
    relato.do("customer.merge", customer_id=other, into_id=customer)
    (row,) = relato.rows("consents", customer_id=customer, channel="email", role="marketing")
    assert (row["standing"], row["said_to"]) == ("withdrawn", other)


def test_a_lead_and_a_service_done_name_the_partner_they_came_from(relato: Relato, distributor: str) -> None:
    lead = relato.make("customer.register", name="Caio", partner_id=distributor)
    deal = relato.make("opportunity.open", customer_id=lead, title="Hotel", partner_id=distributor)
    ticket = relato.make("ticket.open", customer_id=lead, summary="dark")
    relato.do("ticket.resolve", ticket_id=ticket, outcome="a new bulb", partner_id=distributor)
    told = {event["stream_id"]: event["fact"].get("partner_id") for event in relato.history(lead)}
    assert told == {lead: distributor, deal: distributor, ticket: distributor}
    relato.do("opportunity.win", opportunity_id=deal, amount="900.00 EUR")
    theirs = relato.tell("--role", "partner", "--as", distributor, "show", "leads", "--json")
    assert (deal in theirs, '"won"' in theirs, lead in theirs, "amount" in theirs) == (True, True, False, False)
    unknown = relato("do", "opportunity.open", "--customer-id", lead, "--partner-id", lead)
    assert (unknown.status, unknown.err.count("\n")) == (1, 1)
