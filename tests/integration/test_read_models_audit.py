"""What the auditor sees, told by commands over a real ledger; and that the catalogue tells the truth of every view."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from projections.audit.service import audit
from projections.catalogue import SERVICES, VIEWS
from projections.engine.schema import connect
from tests.company import Company, line, numbered
from tests.integration.conftest import Databases

ANNA, ANNE = numbered(1, 1), numbered(1, 2)
ORDER, TICKET, CHAIR = numbered(4, 1), numbered(9, 1), numbered(6, 1)
COLUMNS = "select attname::text from pg_attribute where attrelid = to_regclass(%s) and attnum > 0"


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    return Company.over(ledger, memory_vault(), databases.app, databases.owner)


def types_of(company: Company, customer_id: UUID) -> list[str]:
    return [row["type"].removeprefix("crm.").removesuffix(".v1") for row in company.show_of("timeline", customer_id)]


def test_a_customers_timeline_runs_over_all_aggregates_and_aliases(company: Company, ledger: PostgresLedger) -> None:
    company.do("customer.register", customer_id=ANNA, name="Anna")
    company.do("product.register", product_id=CHAIR, name="Chair")
    company.do("order.place", order_id=ORDER, number="1", currency="EUR", lines=[line(CHAIR, 500)])
    company.do("customer.register", customer_id=ANNE, name="Anne")
    company.do("ticket.open", ticket_id=TICKET, customer_id=ANNE, summary="broken")
    company.do("order.identify_customer", order_id=ORDER, customer_id=ANNE)
    company.fold(audit)
    hers = ["order.placed", "customer.registered", "ticket.opened", "order.customer_identified"]
    assert types_of(company, ANNE) == hers

    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(audit)
    assert types_of(company, ANNA) == ["customer.registered", *hers, "customer.merged", "customer.absorbed"]

    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    company.do("customer.erase", customer_id=ANNA)
    company.fold(audit)
    assert types_of(company, ANNE) == [*hers, "customer.merged", "customer.unmerged"]
    stored = {event.position: json.loads(event.data) for event in ledger.read(0, 100)}
    assert {row["position"]: row["data"] for row in company.show("timeline")} == stored
    assert stored[1]["name"].startswith("s1.")


def test_the_catalogue_names_exactly_the_columns_that_each_view_has(company: Company) -> None:
    company.fold()
    for shown in VIEWS.values():
        with connect(company.owner, shown.service) as db:
            found = {name for (name,) in db.execute(COLUMNS, [shown.view.name]).fetchall()}
        assert found == {*shown.view.columns}, shown.view.name


def test_every_read_model_has_a_view_of_its_own(company: Company) -> None:
    company.fold()
    for service in SERVICES:
        with connect(company.owner, service) as db:
            for model in service.models:
                assert db.execute("select to_regclass(%s) is not null", [model.name]).fetchone() == (True,)
