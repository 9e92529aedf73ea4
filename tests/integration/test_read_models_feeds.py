"""What partners' feeds rest on, told by commands over a real ledger: territories, availability, shipments, consents."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from domain.customer.consents import UNTOLD, Needed, Permissions, Standing, evolve, standing
from domain.customer.facts import ConsentChannel
from domain.errors import RefusedError
from domain.personal import Purpose
from projections.marketing.service import marketing_in
from projections.partners.service import partners
from projections.sales.service import sales
from tests.company import Company, line, numbered, pick
from tests.integration.conftest import Databases

ANNA, ANNE, BERT = (numbered(1, n) for n in (1, 2, 3))
CHAIR, DESK = (numbered(6, n) for n in (1, 2))
BEN, WOOD, NORTH, SOUTH = numbered(7, 1), numbered(10, 1), numbered(10, 2), numbered(10, 3)
IBERIA, FRANCE, ORDER = numbered(14, 1), numbered(14, 2), numbered(4, 1)
MARKETING = marketing_in()
NOW = datetime.now(UTC).replace(microsecond=0)


def day(number: int) -> datetime:
    """So many days from now, or ago."""
    return NOW + timedelta(days=number)


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    company = Company.over(ledger, memory_vault(), databases.app, databases.owner)
    for customer_id, name, country in ((ANNA, "Anna", "PT"), (ANNE, "Anne", "FR"), (BERT, "Bert", None)):
        company.do("customer.register", at=day(-90), customer_id=customer_id, name=name, country=country)
    for partner_id, name, kind in ((WOOD, "Wood", "supplier"), (NORTH, "North", "distributor"),
                                   (SOUTH, "South", "distributor")):  # fmt: skip
        company.do("partner.register", partner_id=partner_id, name=name, kind=kind)
    for product_id, name, price in ((CHAIR, "Chair", "12.00 EUR"), (DESK, "Desk", None)):
        company.do("product.register", product_id=product_id, name=name, price=price, supplier_id=WOOD)
    return company


def form_territories(company: Company) -> None:
    """Iberia was North's until ten days ago and is South's since; France is covered since twenty days."""
    company.do("territory.form", at=day(-80), territory_id=IBERIA, name="Iberia", countries=["PT", "ES"])
    company.do("territory.form", at=day(-80), territory_id=FRANCE, name="France", countries=["BE"])
    for partner_id, start, end in ((NORTH, day(-60), day(-10)), (SOUTH, day(-10), None)):
        company.do("territory.assign_partner", territory_id=IBERIA, partner_id=partner_id, valid_from=start,
                   valid_until=end)  # fmt: skip
    company.do("territory.assign_partner", territory_id=FRANCE, partner_id=NORTH, valid_from=day(-60))
    company.do("territory.amend", at=day(-20), territory_id=FRANCE, countries=["FR", "BE"])


RESPONSIBLE = ("customer_id", "territory_name", "partner_name", "responsible_from", "responsible_until", "is_current")


def test_who_was_and_is_responsible_for_a_customer(company: Company) -> None:
    form_territories(company)
    company.fold(sales)
    assert pick(company.show("responsibilities"), *RESPONSIBLE) == [
        (ANNA, "Iberia", "North", day(-60), day(-10), False),
        (ANNA, "Iberia", "South", day(-10), None, True),
        (ANNE, "France", "North", day(-20), None, True),
    ]


def test_a_customer_who_moves_goes_to_another_partner_from_then_on(company: Company) -> None:
    form_territories(company)
    company.do("customer.amend", at=day(-5), customer_id=ANNA, country="FR")
    company.fold(sales)
    rows = company.show("responsibilities", customer_id=ANNA)
    assert pick(rows, *RESPONSIBLE[1:]) == [
        ("Iberia", "North", day(-60), day(-10), False),
        ("Iberia", "South", day(-10), day(-5), False),
        ("France", "North", day(-5), None, True),
    ]


def test_nobody_is_responsible_for_who_was_merged_away_until_the_merge_is_undone(company: Company) -> None:
    form_territories(company)
    company.fold(sales)
    before = company.show("responsibilities")
    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(sales)
    assert {row["customer_id"] for row in company.show("responsibilities")} == {ANNA}
    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    company.fold(sales)
    assert company.show("responsibilities") == before


ASSIGNED = ("territory_name", "partner_name", "countries", "responsible_from", "responsible_until")


def test_territories_with_their_partners_and_what_ends_them(company: Company) -> None:
    form_territories(company)
    company.do("territory.close", at=day(-1), territory_id=FRANCE)
    company.do("partner.remove", at=day(-2), partner_id=SOUTH)
    company.fold(partners)
    assert pick(company.show("territory_partners"), *ASSIGNED) == [
        ("Iberia", "North", ["PT", "ES"], day(-60), day(-10)),
        ("Iberia", "South", ["PT", "ES"], day(-10), day(-2)),
        ("France", "North", ["BE"], day(-60), day(-20)),
        ("France", "North", ["FR", "BE"], day(-20), day(-1)),
    ]
    assert pick(company.show("territories"), "name", "countries", "closed_at") == [
        ("Iberia", ["PT", "ES"], None),
        ("France", ["FR", "BE"], day(-1)),
    ]


def test_price_and_availability_of_what_can_be_sold(company: Company) -> None:
    for partner_id, level, quantity in ((None, "low", 4), (WOOD, "in_stock", 400), (NORTH, "in_stock", 7)):
        company.do("product.report_availability", product_id=CHAIR, level=level, quantity=quantity,
                   partner_id=partner_id)  # fmt: skip
    company.do("product.report_availability", product_id=DESK, level="on_order", expected_on="2026-12-01")
    company.do("product.withdraw", product_id=DESK)
    company.fold(sales, partners)
    columns = ("name", "price_minor", "level", "quantity", "supplier_name", "supplier_level", "supplier_quantity")
    expected = [("Chair", 1200, "low", 4, "Wood", "in_stock", 400)]
    assert pick(company.show("product_availability"), *columns) == expected
    assert pick(company.show("availability"), "product_name", "partner_name", "level", "quantity") == [
        ("Chair", "Wood", "in_stock", 400),
        ("Chair", "North", "in_stock", 7),
        ("Chair", None, "low", 4),
        ("Desk", None, "on_order", None),
    ]
    assert len(company.show("availability", partner_id=WOOD)) == 1


def ship(company: Company, *shipments: tuple[str, int | None]) -> None:
    for name, quantity in shipments:
        lines = None if quantity is None else [{"product_id": CHAIR, "quantity": quantity}]
        company.do("order.ship", order_id=ORDER, shipment=name, lines=lines, tracking=f"T{name}", partner_id=WOOD)


def shipping(company: Company) -> tuple[Any, ...]:
    company.fold(sales)
    columns = ("status", "units", "units_sent", "under_way", "delivered", "failed", "returned")
    (row,) = pick(company.show("order_shipping"), *columns)
    return row


@pytest.fixture
def order(company: Company) -> UUID:
    company.do("order.place", order_id=ORDER, customer_id=ANNA, number="A1", currency="EUR",
               lines=[line(CHAIR, 6000, 6)])  # fmt: skip
    return ORDER


def test_how_far_an_order_has_come_in_parts(company: Company, order: UUID) -> None:
    assert shipping(company) == ("open", 6, 0, 0, 0, 0, 0)
    ship(company, ("A", 4))
    assert shipping(company) == ("partly_shipped", 6, 4, 1, 0, 0, 0)
    ship(company, ("B", 2))
    assert shipping(company) == ("shipped", 6, 6, 2, 0, 0, 0)
    company.do("order.deliver_shipment", order_id=order, shipment="A")
    company.do("order.fail_shipment", order_id=order, shipment="B", reason="nobody in")
    assert shipping(company) == ("partly_shipped", 6, 4, 0, 1, 1, 0)
    company.do("order.return_shipment", order_id=order, shipment="B")
    ship(company, ("C", None))
    company.do("order.deliver_shipment", order_id=order, shipment="C")
    assert shipping(company) == ("delivered", 6, None, 0, 2, 0, 1)


def test_shipments_follow_their_order_to_the_customer_it_turns_out_to_be(company: Company, order: UUID) -> None:
    ship(company, ("A", 4))
    company.fold(sales)
    before = company.show("shipments")
    assert pick(before, "number", "shipment", "status", "tracking", "units", "partner_id", "customer_id") == [
        ("A1", "A", "under_way", "TA", 4, WOOD, ANNA)
    ]
    assert before[0]["lines"] == [{"product_id": str(CHAIR), "quantity": 4}]
    assert company.open(before[0]["customer_name"]) == "Anna"
    company.do("customer.merge", customer_id=ANNA, into_id=ANNE)
    company.fold(sales)
    assert pick(company.show_of("shipments", ANNE), "shipment", "customer_id") == [("A", ANNE)]
    company.do("customer.unmerge", customer_id=ANNA, from_id=ANNE)
    company.fold(sales)
    assert company.show("shipments") == before
    assert (company.show_of("shipments", ANNE), order) == ([], ORDER)


CHANNELS = ("email", "telephone", "letter", "partner_sharing")


def say(company: Company, customer_id: UUID, channel: str, verb: str, at: datetime, **fields: Any) -> None:
    company.do(f"customer.{verb}_consent", at=at, customer_id=customer_id, channel=channel, purpose="marketing",
               **fields)  # fmt: skip


def tell_consents(company: Company) -> None:
    company.do("customer.add_contact", customer_id=ANNE, person_id=BEN, name="Ben")
    say(company, ANNA, "email", "give", day(-30), source="form", evidence="I agree")
    say(company, ANNE, "email", "withdraw", day(-40))
    say(company, ANNA, "telephone", "give", day(-30), valid_until=day(-2))
    say(company, ANNE, "telephone", "give", day(-20))
    say(company, ANNE, "letter", "give", day(-20), valid_from=day(9))
    say(company, ANNE, "partner_sharing", "give", day(-20), person_id=BEN)
    say(company, BERT, "letter", "give", day(-20))


def stands(company: Company) -> dict[tuple[UUID, UUID, str], str]:
    company.fold(MARKETING)
    rows = company.show("consents")
    return {(row["customer_id"], row["person_id"], row["channel"]): row["standing"] for row in rows}


def asked(company: Company) -> dict[tuple[UUID, UUID, str], str]:
    """The same, by the pure function over the ledger's facts."""
    told: defaultdict[UUID, Permissions] = defaultdict(lambda: UNTOLD)
    source = LedgerSource(company.app, listen=False)
    for event in sorted(
        (e for p, head in source.heads().items() for e in source.read(p, 0, head)), key=lambda e: e.position
    ):
        told[event.stream_id] = evolve(told[event.stream_id], event)
    source.close()
    found = {}
    for customer_id in (ANNA, ANNE, BERT):
        survivor_id = told[customer_id].merged_into or customer_id
        for person_id in (customer_id, BEN):
            for channel in CHANNELS:
                needed = Needed(person_id, ConsentChannel(channel), Purpose.MARKETING)
                stood = standing(customer_id, needed, told.__getitem__, NOW)
                if stood is not Standing.NONE:
                    whose = BEN if person_id == BEN else survivor_id
                    found[survivor_id, whose, channel] = str(stood)
    return found


def test_what_each_customer_permits_now(company: Company) -> None:
    tell_consents(company)
    assert stands(company) == asked(company) == {
        (ANNA, ANNA, "email"): "given",
        (ANNA, ANNA, "telephone"): "expired",
        (ANNE, ANNE, "email"): "withdrawn",
        (ANNE, ANNE, "telephone"): "given",
        (ANNE, ANNE, "letter"): "not_yet",
        (ANNE, BEN, "partner_sharing"): "given",
        (BERT, BERT, "letter"): "given",
    }  # fmt: skip
    (row,) = company.show("consents", customer_id=ANNA, channel="email")
    assert (row["said_to"], row["said_at"], row["source"]) == (ANNA, day(-30), "form")
    assert company.open(row["evidence"]) == "I agree"


def test_of_merged_customers_the_strictest_counts_until_the_survivor_says_something(company: Company) -> None:
    tell_consents(company)
    before = stands(company)
    company.do("customer.merge", at=day(-3), customer_id=ANNE, into_id=ANNA)
    merged = {
        (ANNA, ANNA, "email"): "withdrawn",
        (ANNA, ANNA, "telephone"): "expired",
        (ANNA, ANNA, "letter"): "not_yet",
        (ANNA, BEN, "partner_sharing"): "given",
        (BERT, BERT, "letter"): "given",
    }
    assert stands(company) == asked(company) == merged
    say(company, ANNA, "email", "give", day(-1))
    assert stands(company) == asked(company) == merged | {(ANNA, ANNA, "email"): "given"}
    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    assert stands(company) == asked(company) == before


def test_who_is_erased_permits_nothing(company: Company) -> None:
    tell_consents(company)
    before = stands(company)
    company.do("customer.erase", customer_id=ANNE, person_id=BEN)
    company.do("customer.erase", customer_id=BERT)
    gone = {(ANNE, BEN, "partner_sharing"), (BERT, BERT, "letter")}
    assert stands(company) == asked(company) == {key: one for key, one in before.items() if key not in gone}
    assert pick(company.show_of("consents_said", ANNE), "channel") == [("email",), ("letter",), ("telephone",)]


@pytest.mark.parametrize("seed", range(3))
def test_the_view_says_what_the_pure_function_says_whatever_happened(company: Company, seed: int) -> None:
    chance = Random(seed)
    for customer_id in (ANNA, ANNE):
        company.do("customer.add_contact", customer_id=customer_id, person_id=BEN, name="Ben")
    for _ in range(60):
        with suppress(RefusedError):
            tell_anything(company, chance)
    assert stands(company) == asked(company) != {}
    company.fold()
    assert company.parked() == []


def tell_anything(company: Company, chance: Random) -> None:
    """Something of consents, merges or erasures, at any time of the last weeks."""
    one, other, at = *chance.sample((ANNA, ANNE, BERT), 2), day(-chance.randrange(40))
    match chance.choice(("give", "give", "withdraw", "merge", "unmerge", "erase")):
        case "merge":
            company.do("customer.merge", at=at, customer_id=one, into_id=other)
        case "unmerge":
            company.do("customer.unmerge", at=at, customer_id=one, from_id=other)
        case "erase":
            company.do("customer.erase", at=at, customer_id=one, person_id=BEN)
        case verb:
            period = {"valid_from": day(chance.randrange(-9, 3)), "valid_until": chance.choice((None, day(3)))}
            say(company, one, chance.choice(CHANNELS), verb, at, person_id=chance.choice((None, None, BEN)),
                **(period if verb == "give" else {}))  # fmt: skip
