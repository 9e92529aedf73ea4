"""Endpoints as they are shown: each with whose feed it is sent, also where the agreement came later to the eye."""

from __future__ import annotations

import pytest

from adapters.memory.vault import memory_vault
from adapters.postgres.ledger import PostgresLedger
from projections.partners.service import partners
from tests.company import Company, numbered, pick
from tests.feeding import terms
from tests.integration.conftest import Databases

PARTNER, FEED, HERE, THERE = numbered(10, 1), numbered(11, 1), numbered(12, 1), numbered(12, 2)
SHOWN = ("partner_name", "url", "state", "reason", "signing")


@pytest.fixture
def company(ledger: PostgresLedger, databases: Databases) -> Company:
    company = Company.over(ledger, memory_vault(), databases.app, databases.owner)
    company.do("partner.register", partner_id=PARTNER, name="Olaria", kind="supplier")
    company.do("agreement.draft", agreement_id=FEED, partner_id=PARTNER, terms=terms())
    company.do("endpoint.add", endpoint_id=HERE, agreement_id=FEED, url="https://olaria.example/a")
    company.do("endpoint.add", endpoint_id=THERE, agreement_id=FEED, url="https://olaria.example/b", signing="ed25519")
    return company


def test_endpoints_are_shown_with_their_partner_and_why_nothing_is_sent(company: Company) -> None:
    company.do("endpoint.disable", endpoint_id=HERE, reason="answered 410: it wants no more")
    company.do("endpoint.move", endpoint_id=THERE, url="https://olaria.example/c")
    company.fold(partners)
    assert sorted(pick(company.show("endpoints", partner_id=PARTNER), *SHOWN)) == [
        ("Olaria", "https://olaria.example/a", "disabled", "answered 410: it wants no more", "hmac"),
        ("Olaria", "https://olaria.example/c", "enabled", None, "ed25519"),
    ]
    assert company.show("endpoints", partner_id=numbered(10, 2)) == []
