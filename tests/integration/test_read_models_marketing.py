"""What marketing sees, told by commands over a real ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from projections.engine.schema import connect
from projections.marketing.service import marketing_in
from tests.company import Company, line, numbered, pick
from tests.integration.conftest import Databases

ANNA, ANNE, BERT = (numbered(1, n) for n in (1, 2, 3))
BEN = numbered(7, 1)
CHAIR = numbered(6, 1)
MARKETING = marketing_in()
NOW = datetime.now(UTC)


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    company = Company.over(ledger, memory_vault(), databases.app, databases.owner)
    company.do("customer.register", customer_id=ANNA, name="Anna", source="fair", country="PT")
    company.do("customer.register", customer_id=ANNE, name="Anne", source="web")
    company.do("customer.register", customer_id=BERT, name="Bert", source="fair", stage="customer")
    return company


def place(company: Company, number: int, customer_id: object, amount_minor: int, at: datetime, **fields: Any) -> None:
    company.do("order.place", at=at, order_id=numbered(4, number), customer_id=customer_id, number=f"A{number}",
               lines=[line(CHAIR, amount_minor)], **{"currency": "EUR"} | fields)  # fmt: skip


def tell_purchases(company: Company) -> None:
    """Anna bought on two days and gave something back; Anne bought once, under no name, and in another currency."""
    morning = (NOW - timedelta(days=10)).replace(hour=1)
    place(company, 0, ANNA, 1000, morning)
    place(company, 1, ANNA, 500, morning + timedelta(hours=20))
    place(company, 2, ANNA, 200, morning + timedelta(days=3))
    place(company, 3, ANNA, 300, morning + timedelta(days=5), kind="return")
    place(company, 4, ANNA, 9999, morning + timedelta(days=6))
    company.do("order.cancel", order_id=numbered(4, 4))
    place(company, 5, ANNE, 700, morning - timedelta(days=30))
    place(company, 6, ANNE, 100, morning, currency="USD")
    place(company, 7, None, 60, morning + timedelta(days=8))
    for number, direction in enumerate(("inbound", "outbound", "internal")):
        at = NOW - timedelta(days=number)
        fields = {
            "interaction_id": numbered(8, number),
            "customer_id": ANNE,
            "channel": "email",
            "direction": direction,
        }
        company.do("interaction.log", at=at, **fields)


RFM = ("customer_id", "currency", "recency_days", "frequency", "order_days", "money_minor", "returns", "contacts")


def test_recency_frequency_and_money_by_customer_and_currency(company: Company) -> None:
    tell_purchases(company)
    company.fold(MARKETING)
    recency = (NOW - NOW.replace(hour=1) + timedelta(days=7)).days
    before = company.show("rfm")
    assert pick(before, *RFM) == [
        (ANNA, "EUR", recency, 3, 2, 1400, 1, 0),
        (ANNE, "EUR", recency + 33, 1, 1, 700, 0, 2),
        (ANNE, "USD", recency + 3, 1, 1, 100, 0, 2),
    ]
    assert before[1]["last_contact_at"] == NOW

    company.do("order.identify_customer", order_id=numbered(4, 7), customer_id=ANNE)
    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(MARKETING)
    assert pick(company.show("rfm"), *RFM) == [
        (ANNA, "EUR", recency - 5, 5, 4, 2160, 1, 2),
        (ANNA, "USD", recency + 3, 1, 1, 100, 0, 2),
    ]

    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    company.fold(MARKETING)
    after = company.show("rfm")
    assert after[0] == before[0]
    assert after[2] == before[2]
    assert pick(after[1:2], *RFM) == [(ANNE, "EUR", recency - 5, 2, 2, 760, 0, 2)]


def test_the_days_of_purchases_are_those_of_the_companys_time_zone(company: Company) -> None:
    night = datetime(2025, 3, 3, 23, 30, tzinfo=UTC)
    place(company, 0, ANNA, 100, night)
    place(company, 1, ANNA, 100, night + timedelta(hours=1))
    company.fold(marketing_in(ZoneInfo("Asia/Tokyo")))
    assert pick(company.show("rfm"), "frequency", "order_days") == [(2, 1)]


def test_one_comprehensive_row_for_each_surviving_customer(company: Company) -> None:
    tell_purchases(company)
    company.do("customer.add_contact", customer_id=ANNA, person_id=BEN, name="Ben", role="buyer")
    company.do("customer.add_contact_point", customer_id=ANNE, channel="email", value="anne@example.org")
    company.do("customer.note_need", customer_id=ANNE, need="desks")
    company.do("customer.note_need", customer_id=ANNA, need="chairs")
    company.fold(MARKETING)
    before = company.show("customers")
    assert pick(before, "customer_id", "needs", "contacts_made") == [
        (ANNA, ["chairs"], 0),
        (ANNE, ["desks"], 2),
        (BERT, [], 0),
    ]

    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(MARKETING)
    anna, bert = company.show("customers")
    assert (anna["also_known_as"], anna["needs"], company.open(anna["name"])) == ([ANNE], ["chairs", "desks"], "Anna")
    assert [contact["role"] for contact in anna["contacts"]] == ["buyer"]
    assert [company.open(point["value"]) for point in anna["contact_points"]] == ["anne@example.org"]
    assert {p["currency"]: (p["orders"], p["money_minor"]) for p in anna["purchases"]} == {
        "EUR": (4, 2100),
        "USD": (1, 100),
    }
    assert bert == before[2]

    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    company.fold(MARKETING)
    assert company.show("customers") == before


def test_own_fields_are_shown_by_their_names_of_now_and_by_their_kind(company: Company) -> None:
    size, card = numbered(12, 1), numbered(12, 2)
    company.do("field.define", field_id=size, name="Size", type="number")
    company.do("field.define", field_id=card, name="Card", type="choice", choices=("red", "blue"), clear=True)
    company.do("customer.set_field", customer_id=ANNA, field_id=size, value=38)
    company.do("customer.set_field", customer_id=ANNA, field_id=card, clear="red")
    company.do("field.amend", field_id=size, name="Shoe size")
    company.do("field.retire", field_id=card)
    company.fold(MARKETING)
    assert pick(company.show("fields"), "name", "type", "choices", "clear") == [
        ("Shoe size", "number", [], False),
        ("Card", "choice", ["red", "blue"], True),
    ]
    own, others, _ = (row["fields"] for row in company.show("customers"))
    assert [(one["name"], one["type"]) for one in own] == [("Card", "choice"), ("Shoe size", "number")]
    assert [own[0]["value"], company.open(own[1]["value"])] == ["red", 38]
    assert others == []


def test_a_field_whose_definition_is_not_folded_yet_stands_under_its_id(company: Company) -> None:
    size = numbered(12, 1)
    company.do("field.define", field_id=size, name="Size", type="number", clear=True)
    company.do("customer.set_field", customer_id=ANNA, field_id=size, clear=38)
    company.fold(MARKETING)
    with connect(company.owner, MARKETING) as db:
        db.execute("delete from fields_1")
    assert company.show("customers")[0]["fields"] == [{"name": str(size), "type": None, "value": 38}]


def test_prospects_by_need_and_source(company: Company) -> None:
    for customer_id, need in ((ANNA, "chairs"), (ANNA, "desks"), (BERT, "chairs")):
        company.do("customer.note_need", customer_id=customer_id, need=need)
    company.fold(MARKETING)
    columns = ("need", "source", "prospects", "reachable")
    before = company.show("prospects_by_need_and_source")
    assert pick(before, *columns) == [("chairs", "fair", 1, 1), ("desks", "fair", 1, 1), (None, "web", 1, 1)]

    company.do("customer.change_stage", customer_id=BERT, stage="prospect")
    company.do("customer.merge", customer_id=ANNE, into_id=BERT)
    company.do("customer.erase", customer_id=ANNA)
    company.fold(MARKETING)
    after = pick(company.show("prospects_by_need_and_source"), *columns)
    assert after == [("chairs", "fair", 2, 1), ("desks", "fair", 1, 0)]


def test_an_erased_customer_keeps_what_is_sealed_and_all_totals(company: Company) -> None:
    tell_purchases(company)
    company.fold(MARKETING)
    rfm, customers = company.show("rfm"), company.show("customers")
    company.do("customer.erase", customer_id=ANNA)
    company.fold(MARKETING)
    assert company.show("rfm") == rfm
    assert company.show("customers") == [row | {"erased": row["customer_id"] == ANNA} for row in customers]
