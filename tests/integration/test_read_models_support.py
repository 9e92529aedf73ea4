"""What support sees, told by commands over a real ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from projections.support.service import support
from tests.company import Company, numbered, pick
from tests.integration.conftest import Databases

ANNA, ANNE = numbered(1, 1), numbered(1, 2)
SAM, EVE = numbered(2, 1), numbered(2, 2)
TICKET = [numbered(9, n) for n in range(5)]
HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    company = Company.over(ledger, memory_vault(), databases.app, databases.owner)
    company.do("customer.register", customer_id=ANNA, name="Anna")
    company.do("customer.register", customer_id=ANNE, name="Anne")
    company.do("employee.hire", employee_id=SAM, name="Sam")
    return company


def open_ticket(company: Company, number: int, customer_id: object, at: datetime, **fields: Any) -> None:
    company.do("ticket.open", at=at, ticket_id=TICKET[number], customer_id=customer_id, **fields)


def test_the_ticket_queue_shows_what_is_open_by_rank_and_age(company: Company) -> None:
    open_ticket(company, 0, ANNA, NOW - 5 * HOUR)
    open_ticket(company, 1, ANNE, NOW - 3 * HOUR, priority="urgent", summary="it burns")
    open_ticket(company, 2, None, NOW - 2 * HOUR, priority="high")
    open_ticket(company, 3, ANNA, NOW - 4 * HOUR)
    company.do("ticket.assign", ticket_id=TICKET[1], agent_id=SAM, at=NOW - HOUR)
    company.do("ticket.resolve", ticket_id=TICKET[3], at=NOW - HOUR)
    company.fold(support)
    rows = company.show("ticket_queue")
    assert pick(rows, "rank", "ticket_id", "status", "customer_id") == [
        (1, TICKET[1], "assigned", ANNE),
        (2, TICKET[2], "new", None),
        (3, TICKET[0], "new", ANNA),
    ]
    since_s = (datetime.now(UTC) - NOW).total_seconds()
    assert 3 * 3600 <= rows[0]["age_s"] <= 3 * 3600 + since_s + 1
    assert 3600 <= rows[0]["in_status_s"] <= 3600 + since_s + 1
    assert (company.open(rows[0]["agent_name"]), company.open(rows[0]["summary"])) == ("Sam", "it burns")

    company.do("ticket.reopen", ticket_id=TICKET[3])
    company.do("ticket.identify_customer", ticket_id=TICKET[2], customer_id=ANNE)
    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.do("customer.erase", customer_id=ANNA)
    company.fold(support)
    rows = company.show("ticket_queue")
    assert pick(rows, "ticket_id", "customer_id") == [(TICKET[n], ANNA) for n in (1, 2, 0, 3)]
    assert rows[0]["summary"].startswith("s1.")


def test_the_time_to_resolution_by_agent(company: Company) -> None:
    for number, hours in enumerate((1, 2, 4)):
        open_ticket(company, number, ANNA, NOW - 10 * HOUR)
        company.do("ticket.assign", ticket_id=TICKET[number], agent_id=SAM, at=NOW - 9 * HOUR)
        company.do("ticket.resolve", ticket_id=TICKET[number], at=NOW + (hours - 10) * HOUR)
    company.do("ticket.resolve", ticket_id=TICKET[2], at=NOW - 5 * HOUR, agent_id=EVE)
    company.do("ticket.reopen", ticket_id=TICKET[2], at=NOW - 4 * HOUR)
    company.do("ticket.resolve", ticket_id=TICKET[2], at=NOW - 3 * HOUR, agent_id=EVE)
    company.do("ticket.close", ticket_id=TICKET[2], at=NOW - 3 * HOUR)
    company.fold(support)
    rows = company.show("resolution_by_agent")
    assert pick(rows, "agent_id", "resolutions", "median_s", "mean_s", "p90_s") == [
        (SAM, 3, 7200, 8400, pytest.approx(12960)),
        (EVE, 2, 10800, 10800, pytest.approx(16560)),
    ]
    assert [row["agent_name"] is None for row in rows] == [False, True]
    assert pick(company.show("resolutions", ticket_id=TICKET[2]), "number", "agent_id", "duration_s") == [
        (1, SAM, 4 * 3600),
        (2, EVE, 5 * 3600),
        (3, EVE, 3600),
    ]


def test_a_merge_and_its_undoing_leave_every_view_as_it_was(company: Company) -> None:
    open_ticket(company, 0, ANNE, NOW - 5 * HOUR)
    company.do("ticket.resolve", ticket_id=TICKET[0], at=NOW - 4 * HOUR)
    company.fold(support)
    before = {name: company.show(name) for name in ("tickets", "resolutions", "resolution_by_agent")}
    company.do("customer.merge", customer_id=ANNE, into_id=ANNA)
    company.fold(support)
    assert pick(company.show("tickets"), "customer_id") == [(ANNA,)]
    assert company.show_of("resolutions", ANNA) != []
    company.do("customer.unmerge", customer_id=ANNE, from_id=ANNA)
    company.fold(support)
    assert {name: company.show(name) for name in before} == before
