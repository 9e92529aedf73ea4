"""Whoever an OIDC issuer signs for comes in, with the roles that the settings say: through the program itself."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from adapters.ids import uuid7
from tests.acceptance.program import Relato
from tests.issuing_tokens import Issuer, issuer

AUDIENCE, CLAIM = "crm", "realm_access"
SETTINGS = {
    "RELATO_OIDC_AUDIENCE": AUDIENCE,
    "RELATO_OIDC_ROLES": json.dumps({"crm-seller": "sales:own", "crm-chief": "management"}),
    "RELATO_OIDC_ROLES_CLAIM": f"{CLAIM}.roles",
    "RELATO_OIDC_ACTS_AS_CLAIM": "staff_id",
}


@pytest.fixture(scope="module")
def signing() -> Iterator[Issuer]:
    with issuer() as found:
        yield found


@contextmanager
def serving(relato: Relato, **environment: str) -> Iterator[httpx.Client]:
    """`relato run api` alone."""
    process = subprocess.Popen(
        relato.command("run", "api"),
        stderr=subprocess.PIPE,
        text=True,
        cwd=relato.folder,
        env={**relato.environment, **environment},
    )
    try:
        assert process.stderr
        url = next(json.loads(line)["url"] for line in process.stderr if '"listening"' in line)
        with httpx.Client(base_url=url, timeout=30) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def bearing(signing: Issuer, *roles: str, **claims: Any) -> dict[str, str]:
    claims = {"aud": AUDIENCE, CLAIM: {"roles": roles}, **claims}
    return {"Authorization": f"Bearer {signing.token(**claims)}"}


def test_a_token_opens_what_the_settings_say_of_its_roles_and_facts_bear_who_it_is(
    relato: Relato, signing: Issuer
) -> None:
    seller, deal = str(uuid7()), "/v1/opportunity/new/open"
    with serving(relato, RELATO_OIDC_ISSUER=signing.url, **SETTINGS) as client:
        mine = bearing(signing, "crm-seller", staff_id=seller)
        chief = bearing(signing, "crm-chief", "another's")
        for title, owner in (("mine", seller), ("another's", str(uuid7()))):
            answer = client.post(deal, json={"title": title, "seller_id": owner}, headers=mine)
            assert answer.status_code == 201, answer.text
        for view in ("pipeline", "tickets"):  # whereby their departments' facts are folded
            relato.rows(view)
        titles = {
            name: {row["title"] for row in client.get("/v1/sales/pipeline", headers=who).json()["rows"]}
            for name, who in (("mine", mine), ("chief", chief))
        }
        assert titles == {"mine": {"mine"}, "chief": {"mine", "another's"}}
        for path, who, status in (
            ("/v1/support/tickets", mine, 403),
            ("/v1/support/tickets", chief, 200),
            ("/v1/sales/pipeline", bearing(signing, "another's"), 403),
            ("/v1/sales/pipeline", bearing(signing, "crm-chief", aud="relato"), 401),
            ("/v1/sales/pipeline", bearing(signing, "crm-chief", exp=time.time() - 3_600), 401),
        ):
            assert client.get(path, headers=who).status_code == status, path
        key = relato.tell("key", "issue", "--role", "sales").strip()
        assert client.get("/v1/sales/pipeline", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    told = [json.loads(line) for line in relato.tell("tail", "--from", "1", "--json").splitlines()]
    assert {event["actor"] for event in told if event["type"] == "crm.opportunity.opened.v1"} == {seller}


def test_who_issues_tokens_over_an_open_wire_is_refused_at_the_start(relato: Relato) -> None:
    said = relato("run", "api", RELATO_OIDC_ISSUER="http://login.example", **SETTINGS)
    assert said.status == 2
    assert said.err.startswith("relato: RELATO_OIDC_ISSUER: 'http://login.example' is not asked over https")
