"""Webhooks over HTTP: endpoints are added by administrators, and looked at by their partners too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.postgres.webhook_secrets import PostgresSecretPrints
from domain.access.facts import Role
from tests.conftest import Databases
from tests.feeding import agree, partner
from tests.http_api import HttpApi, served

URL = "https://partner.example/hooks"


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def added(api: HttpApi, partner_id: UUID) -> str:
    body = {"agreement_id": str(agree(api.backend, partner_id)), "url": URL}
    answer = api.give("endpoint/new/add", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ids"]["endpoint_id"])


def test_what_verifies_messages_is_shown_to_administrators_and_again_the_same(api: HttpApi) -> None:
    endpoint_id = added(api, partner(api.backend))
    first, again = (api.ask(f"/v1/webhooks/{endpoint_id}/secret") for _ in range(2))
    assert first.json()["verifies_with"].startswith("whsec_")
    assert first.json() == again.json()
    assert first.headers["cache-control"] == "no-store"
    for role in set(Role) - {Role.ADMINISTRATOR}:
        assert api.ask(f"/v1/webhooks/{endpoint_id}/secret", role=role).status_code == 403, role


def test_a_secret_that_the_key_database_has_lost_is_told_and_none_is_made(api: HttpApi, databases: Databases) -> None:
    endpoint_id = added(api, partner(api.backend))
    with closing(PostgresSecretPrints(databases.app)) as prints:
        prints.remember(UUID(endpoint_id), 1, b"of the one that is lost")
    answer = api.ask(f"/v1/webhooks/{endpoint_id}/secret")
    assert (answer.status_code, answer.json()["code"]) == (503, "secret-lost")
    assert "`relato webhook rotate ENDPOINT`" in answer.json()["detail"]
    assert api.backend.keys.find_secret(f"webhook {endpoint_id} 1") is None


def test_a_partner_looks_at_its_own_endpoints_and_asks_them_for_a_ping(api: HttpApi) -> None:
    ours, theirs = partner(api.backend, "Olaria"), partner(api.backend, "Vidros")
    own, other = added(api, ours), added(api, theirs)
    key = api.admit(Role.PARTNER, acts_as=ours)
    told = api.ask(f"/v1/webhooks/{own}/log", role=key)
    assert told.json() == {"standing": None, "attempts": []}
    ping = api.give(f"webhooks/{own}/ping", role=key)
    assert (ping.status_code, ping.headers["location"]) == (202, f"/v1/webhooks/{own}/log")
    assert api.give(f"webhooks/{own}/resend", {"from": 1, "through": 9}, role=key).status_code == 202
    assert api.ask(f"/v1/webhooks/{other}/log", role=key).status_code == 404
    for path in ("ping", "resend"):
        assert api.give(f"webhooks/{other}/{path}", {"from": 1}, role=key).status_code == 404
    assert api.give("endpoint/new/add", {}, role=key).status_code == 403


def test_what_cannot_be_asked_is_refused_and_nothing_is_kept_of_it(api: HttpApi) -> None:
    endpoint_id = added(api, partner(api.backend))
    for body in ({}, {"from": 0}, {"from": 2, "through": 1}, {"from": 1, "to": 2}, {"from": "x"}):
        assert api.give(f"webhooks/{endpoint_id}/resend", body).status_code == 422, body
    assert api.ask(f"/v1/webhooks/{uuid7()}/log").status_code == 404
    assert api.ask(f"/v1/webhooks/{endpoint_id}/log", limit=0).status_code == 422
    api.backend.do("endpoint.remove", endpoint_id=UUID(endpoint_id))
    assert api.give(f"webhooks/{endpoint_id}/ping").status_code == 410


def test_so_much_may_be_asked_of_an_endpoint_and_no_more(api: HttpApi) -> None:
    endpoint_id = added(api, partner(api.backend))
    found = {api.give(f"webhooks/{endpoint_id}/ping").status_code for _ in range(100)}
    assert found == {202}
    refused = api.give(f"webhooks/{endpoint_id}/ping")
    assert (refused.status_code, refused.json()["code"]) == (409, "errands")
