"""What sales sees, told by commands over a real ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from projections.sales.service import sales
from tests.company import BEGIN, Company, line, numbered, pick
from tests.integration.conftest import Databases

ANNA, ANNE, BERT = (numbered(1, n) for n in (1, 2, 3))
SELLER, OTHER = numbered(2, 1), numbered(2, 2)
DEAL = [numbered(3, n) for n in range(5)]
ORDER = [numbered(4, n) for n in range(6)]
CONTRACT = [numbered(5, n) for n in range(5)]
CHAIR = numbered(6, 1)
TODAY = datetime.now(UTC).date()


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    company = Company.over(ledger, memory_vault(), databases.app, databases.owner)
    for customer_id, name in ((ANNA, "Anna"), (ANNE, "Anne"), (BERT, "Bert")):
        company.do("customer.register", customer_id=customer_id, name=name)
    company.do("employee.hire", employee_id=SELLER, name="Sam")
    company.do("product.register", product_id=CHAIR, name="Chair")
    return company


def open_deals(company: Company) -> None:
    for n, (customer_id, amount) in enumerate(
        ((ANNA, "10.00 EUR"), (ANNE, "20.00 EUR"), (BERT, "5.00 USD"), (None, None))
    ):
        company.do(
            "opportunity.open",
            opportunity_id=DEAL[n],
            customer_id=customer_id,
            seller_id=SELLER,
            product_id=CHAIR,
            amount=amount,
        )
    company.do("opportunity.open", opportunity_id=DEAL[4], customer_id=BERT, seller_id=OTHER, amount="1.00 EUR")
    company.do("opportunity.move", opportunity_id=DEAL[1], stage="proposal")
    company.do("opportunity.win", opportunity_id=DEAL[2], amount="6.00 USD")
    company.do("opportunity.lose", opportunity_id=DEAL[4])


def test_the_pipeline_by_stage_seller_and_currency(company: Company) -> None:
    open_deals(company)
    company.fold(sales)
    rows = company.show("pipeline_by_stage")
    assert pick(rows, "stage", "seller_id", "currency", "opportunities", "amount_minor") == [
        ("lost", OTHER, "EUR", 1, 100),
        ("proposal", SELLER, "EUR", 1, 2000),
        ("prospecting", SELLER, "EUR", 1, 1000),
        ("prospecting", SELLER, None, 1, 0),
        ("won", SELLER, "USD", 1, 600),
    ]
    assert {row["seller_name"] is None for row in rows if row["seller_id"] == OTHER} == {True}
    (seller,) = {row["seller_name"] for row in rows if row["seller_id"] == SELLER}
    assert company.open(seller) == "Sam"


def test_an_anonymous_opportunity_has_no_customer_until_one_is_identified_who_may_be_merged_later(
    company: Company,
) -> None:
    open_deals(company)
    company.fold(sales)
    (deal,) = company.show("pipeline", opportunity_id=DEAL[3])
    assert (deal["customer_id"], deal["customer_name"], deal["product_name"]) == (None, None, "Chair")
    company.do("opportunity.identify_customer", opportunity_id=DEAL[3], customer_id=ANNE)
    company.fold(sales)
    assert company.show("pipeline", opportunity_id=DEAL[3])[0]["customer_id"] == ANNE
    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(sales)
    (deal,) = company.show("pipeline", opportunity_id=DEAL[3])
    assert (deal["customer_id"], company.open(deal["customer_name"])) == (ANNA, "Anna")
    assert {row["opportunity_id"] for row in company.show_of("pipeline", ANNA)} == {DEAL[0], DEAL[1], DEAL[3]}


def place(company: Company, number: int, customer_id: object, amount_minor: int, **fields: Any) -> None:
    company.do("order.place", order_id=ORDER[number], customer_id=customer_id, number=f"A{number}",
               lines=[line(CHAIR, amount_minor)], **{"currency": "EUR"} | fields)  # fmt: skip


def test_the_order_history_of_a_customer(company: Company) -> None:
    place(company, 0, ANNA, 1000)
    place(company, 1, ANNA, 300, kind="return")
    place(company, 2, ANNA, 500, currency="USD")
    place(company, 3, ANNA, 9999)
    company.do("order.cancel", order_id=ORDER[3], reason="late")
    place(company, 4, ANNE, 700)
    place(company, 5, None, 50)
    company.do("order.amend", order_id=ORDER[4], lines=[line(CHAIR, 400), line(CHAIR, 350)])
    company.do("order.ship", order_id=ORDER[4])
    company.fold(sales)
    columns = ("customer_id", "currency", "sales", "returns", "total_minor")
    before = company.show("orders_by_customer")
    assert pick(before, *columns) == [(ANNA, "EUR", 1, 1, 700), (ANNA, "USD", 1, 0, 500), (ANNE, "EUR", 1, 0, 750)]
    (amended,) = company.show("orders", order_id=ORDER[4])
    assert (amended["lines"], amended["units"], amended["total_minor"], amended["shipments"]) == (2, 2, 750, 1)
    assert company.show("orders", order_id=ORDER[5])[0]["customer_id"] is None

    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(sales)
    merged = pick(company.show("orders_by_customer"), *columns)
    assert merged == [(ANNA, "EUR", 2, 1, 1450), (ANNA, "USD", 1, 0, 500)]
    assert {row["number"] for row in company.show_of("orders", ANNA)} == {"A0", "A1", "A2", "A3", "A4"}

    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    company.fold(sales)
    assert company.show("orders_by_customer") == before


def sign(company: Company, number: int, days: int | None, **fields: Any) -> None:
    ends_on = None if days is None else TODAY + timedelta(days=days)
    company.do("contract.sign", contract_id=CONTRACT[number], customer_id=ANNA, number=f"C{number}",
               starts_on=BEGIN.date(), ends_on=ends_on, value="100.00 EUR", **fields)  # fmt: skip


def test_contracts_due_for_renewal_are_ours_and_competitors(company: Company) -> None:
    sign(company, 0, 20, notice_days=15)
    sign(company, 1, None)
    sign(company, 2, 40)
    company.do("contract.terminate", contract_id=CONTRACT[2], on=TODAY)
    sign(company, 3, 10)
    company.do("contract.amend", contract_id=CONTRACT[3], value="120.00 EUR")
    company.do("contract.renew", contract_id=CONTRACT[3], ends_on=TODAY + timedelta(days=400))
    company.do("contract.note_competitor", contract_id=CONTRACT[4], customer_id=BERT, competitor="Rival", need="phones",
               ends_on=TODAY + timedelta(days=5))  # fmt: skip
    company.fold(sales)
    rows = company.show("contracts_due")
    assert pick(rows, "contract_id", "supplier", "days_left", "days_to_notice", "value_minor", "revision") == [
        (CONTRACT[4], "competitor", 5, 5, None, 1),
        (CONTRACT[0], "us", 20, 5, 10000, 1),
        (CONTRACT[3], "us", 400, 400, 12000, 2),
    ]
    assert (rows[0]["competitor"], rows[0]["need"], rows[0]["customer_id"]) == ("Rival", "phones", BERT)


def test_an_erased_customer_keeps_what_is_sealed_and_all_totals(company: Company) -> None:
    open_deals(company)
    place(company, 0, ANNA, 1000, note="ring twice")
    company.fold(sales)
    before = {name: company.show(name) for name in ("pipeline", "pipeline_by_stage", "orders", "orders_by_customer")}
    company.do("customer.erase", customer_id=ANNA)
    company.fold(sales)
    assert {name: company.show(name) for name in before} == before
    assert before["orders"][0]["note"].startswith("s1.")
