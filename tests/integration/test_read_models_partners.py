"""What a partner sees, told by commands over a real ledger."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from projections.partners.service import partners
from tests.company import Company, line, numbered, pick
from tests.integration.conftest import Databases

ANNA, ANNE = numbered(1, 1), numbered(1, 2)
CHAIR, DESK, LAMP = (numbered(6, n) for n in (1, 2, 3))
WOOD, LIGHT = numbered(10, 1), numbered(10, 2)
ORDER = [numbered(4, n) for n in range(4)]
SOLD = ("supplier_name", "product_name", "currency", "orders", "quantity", "amount_minor")


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    company = Company.over(ledger, memory_vault(), databases.app, databases.owner)
    company.do("customer.register", customer_id=ANNA, name="Anna")
    company.do("customer.register", customer_id=ANNE, name="Anne")
    for partner_id, name in ((WOOD, "Wood"), (LIGHT, "Light")):
        company.do("partner.register", partner_id=partner_id, name=name, kind="supplier")
    for product_id, name, supplier_id in ((CHAIR, "Chair", WOOD), (DESK, "Desk", WOOD), (LAMP, "Lamp", None)):
        company.do("product.register", product_id=product_id, name=name, supplier_id=supplier_id)
    sell(company, 0, ANNA, line(CHAIR, 1000, 2), line(LAMP, 300), line(CHAIR, 450))
    sell(company, 1, None, line(DESK, 2000))
    sell(company, 2, ANNE, line(CHAIR, 500), kind="return")
    sell(company, 3, ANNE, line(CHAIR, 9999), line(DESK, 9999))
    company.do("order.cancel", order_id=ORDER[3])
    return company


def sell(company: Company, number: int, customer_id: object, *lines: object, **fields: Any) -> None:
    about: dict[str, Any] = {
        "order_id": ORDER[number],
        "customer_id": customer_id,
        "number": f"A{number}",
        "currency": "EUR",
    }
    company.do("order.place", lines=lines, **about, **fields)


def test_the_orders_of_a_suppliers_products_line_by_line(company: Company) -> None:
    company.fold(partners)
    rows = company.show("supplier_orders", supplier_id=WOOD)
    assert pick(rows, "number", "line", "product_name", "quantity", "amount_minor") == [
        ("A0", 1, "Chair", 2, 1000),
        ("A0", 3, "Chair", 1, 450),
        ("A1", 1, "Desk", 1, 2000),
        ("A2", 1, "Chair", -1, -500),
        ("A3", 1, "Chair", 1, 9999),
        ("A3", 2, "Desk", 1, 9999),
    ]
    assert [row["cancelled_at"] is None for row in rows] == [True] * 4 + [False] * 2
    assert company.show("supplier_orders", supplier_id=LIGHT) == []


def test_what_was_sold_of_a_suppliers_products(company: Company) -> None:
    company.fold(partners)
    expected = [("Wood", "Chair", "EUR", 2, 2, 950), ("Wood", "Desk", "EUR", 1, 1, 2000)]
    assert pick(company.show("supplier_sales"), *SOLD) == expected


def test_a_product_that_changes_hands_takes_its_orders_along(company: Company) -> None:
    company.do("product.amend", product_id=CHAIR, supplier_id=LIGHT)
    company.do("order.amend", order_id=ORDER[1], lines=[line(DESK, 1000), line(LAMP, 100)])
    company.fold(partners)
    expected = [("Light", "Chair", "EUR", 2, 2, 950), ("Wood", "Desk", "EUR", 1, 1, 1000)]
    assert pick(company.show("supplier_sales"), *SOLD) == expected


def test_no_merge_and_no_erasure_of_a_customer_shows_at_a_partner(company: Company) -> None:
    company.fold(partners)
    names = ("supplier_orders", "supplier_sales", "product_orders")
    before = {name: company.show(name) for name in names}
    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.do("order.identify_customer", order_id=ORDER[1], customer_id=ANNA)
    company.do("customer.erase", customer_id=ANNA)
    company.fold(partners)
    assert {name: company.show(name) for name in names} == before
    assert not any("customer" in column for rows in before.values() for row in rows for column in row)
