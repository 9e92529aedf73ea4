"""Tokens of an OIDC issuer open as API keys do, as long as they are what the issuer signed for us."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.http import oidc
from adapters.http.errors import IssuerAwayError
from adapters.http.issuer_address import check_address
from adapters.http.issuer_keys import COOLDOWN_S, FRESH_S, STALE_S, IssuerKeys
from adapters.http.oidc import Bearers, OidcTokens, Trust
from adapters.http.workers import Workers
from adapters.ids import uuid7
from domain.access.facts import Held, Role, Rows
from tests.conftest import Databases
from tests.http_api import HttpApi, served
from tests.issuing_tokens import AUDIENCE, Issuer, issuer

ROLES = {"crm-admin": Held(Role.ADMINISTRATOR), "crm-sales": Held(Role.SALES, Rows.OWN)}


class Monotonic:
    """Time as a test has it pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def signing() -> Iterator[Issuer]:
    with issuer() as found:
        yield found


@pytest.fixture
def api(databases: Databases, signing: Issuer) -> Iterator[HttpApi]:
    with ExitStack() as stack:
        workers = Workers(2)
        stack.callback(workers.close)
        trust = Trust(signing.url, AUDIENCE, ROLES, "realm_access.roles")
        tokens = OidcTokens(trust, IssuerKeys(signing.url), workers, lambda: datetime.now(UTC), lambda _: ())
        yield stack.enter_context(served(databases, around=lambda keys: Bearers(keys, tokens)))


def status(api: HttpApi, token: str, path: str = "/v1/sales/pipeline") -> int:
    return api.client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def admin(**claims: Any) -> dict[str, Any]:
    return {"realm_access": {"roles": ["crm-admin", "another's"]}, **claims}


def test_a_token_opens_what_its_roles_open(api: HttpApi, signing: Issuer) -> None:
    api.fold()
    for kid in ("rsa", "ec"):
        assert status(api, signing.token(kid, **admin())) == 200
    assert status(api, signing.token()) == 403
    assert status(api, signing.token(realm_access={"roles": ["crm-sales"]}), "/v1/support/tickets") == 403
    assert api.ask("/v1/sales/pipeline").status_code == 200, "an API key opens as before"


NOW = time.time()
WRONG: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 3_600},
    "not yet": {"nbf": NOW + 3_600},
    "issued in the future": {"iat": NOW + 3_600},
    "another's audience": {"aud": "another"},
    "another issuer": {"iss": "https://another.example"},
    "no expiry": {"exp": None},
    "no audience": {"aud": None},
    "no subject": {"sub": None},
    "an employee who is no id": {"employee_id": "sam"},
    "an endless time": {"exp": "never"},
    "a time that is a list": {"exp": [NOW + 300]},
    "a time beyond every number": {"exp": 10**400},
    "a subject that nobody can write down": {"sub": "sam\0"},
    "a subject that is too long": {"sub": "s" * 256},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG.keys())
def test_a_token_that_is_not_for_us_or_not_for_now_does_not_open(
    api: HttpApi, signing: Issuer, claims: dict[str, Any]
) -> None:
    try:
        token = signing.token(**admin(**claims))
    except TypeError:  # the library writes no such time
        token = _forged(signing, admin(iss=signing.url, aud=AUDIENCE, sub="sam", **claims))
    assert status(api, token) == 401


def _forged(signing: Issuer, claims: dict[str, Any]) -> str:
    algorithm, key = signing.signers["rsa"]
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm, headers={"kid": "rsa"})


def test_a_small_difference_of_clocks_is_borne(api: HttpApi, signing: Issuer) -> None:
    api.fold()
    now = time.time()
    assert status(api, signing.token(**admin(exp=now - oidc.SKEW_S / 2))) == 200
    assert status(api, signing.token(**admin(nbf=now + oidc.SKEW_S / 2))) == 200


def test_what_the_issuer_did_not_sign_does_not_open(api: HttpApi, signing: Issuer) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    public = signing.signers["rsa"][1].public_key().public_numbers().n.to_bytes(256, "big")
    head, body, sign = signing.token(**admin()).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').rstrip(b"=").decode()
    forged = [
        signing.token(**admin(), signer=("RS256", stranger)),
        signing.token(**admin(), signer=("HS256", public)),
        signing.token(**admin(), signer=signing.signers["ec"]),  # under the other key's name
        f"{none}.{body}.",
        f"{head}.{body}.{sign[:-4]}AAAA",
        f"{head}.{body}",
        "x" * 20_000,
        "..",
    ]
    for token in forged:
        assert status(api, token) == 401, token[:80]


def test_facts_bear_the_employee_or_who_the_issuer_names(api: HttpApi, signing: Issuer) -> None:
    seller = str(uuid7())
    for claims, actor in (({"employee_id": seller}, seller), ({"sub": "sam"}, "oidc:sam")):
        headers = {"Authorization": f"Bearer {signing.token(**admin(**claims))}"}
        answer = api.client.post("/v1/product/new/register", json={"name": "Chair"}, headers=headers)
        [event] = api.backend.ledger.read(answer.json()["positions"][0] - 1, 1)
        assert event.actor == actor


def test_a_tokens_role_bears_its_scope(api: HttpApi, signing: Issuer) -> None:
    seller = str(uuid7())
    for owner in (seller, None):
        api.give("opportunity/new/open", {"seller_id": owner} if owner else {})
    api.fold()
    token = signing.token(realm_access={"roles": ["crm-sales"]}, employee_id=seller)
    answer = api.client.get("/v1/sales/pipeline", headers={"Authorization": f"Bearer {token}"})
    assert [row["seller_id"] for row in answer.json()["rows"]] == [seller]


def test_keys_are_fetched_once_and_again_when_they_are_old_or_an_unknown_one_is_named(signing: Issuer) -> None:
    clock, asked = Monotonic(), len(signing.asked)
    keys = IssuerKeys(signing.url, clock)
    for _ in range(3):
        assert keys.find("rsa")
    assert len(signing.asked) - asked == 2, "discovery and keys"
    for n in range(50):
        assert keys.find(f"made up {n}") is None
    assert len(signing.asked) - asked == 2, "who makes up keys does not make us ask"
    signing.add("rsa 2")
    clock.now += COOLDOWN_S + 1
    assert keys.find("rsa 2")
    clock.now += FRESH_S + 1
    del signing.signers["rsa 2"]
    assert keys.find("rsa")
    assert keys.find("rsa 2") is None


def test_known_keys_are_believed_for_a_while_when_the_issuer_is_away(signing: Issuer) -> None:
    clock = Monotonic()
    keys = IssuerKeys(signing.url, clock)
    assert keys.find("rsa")
    signing.is_away = True
    try:
        clock.now += FRESH_S + 1
        assert keys.find("rsa")
        clock.now += STALE_S
        with pytest.raises(IssuerAwayError):
            keys.find("rsa")
    finally:
        signing.is_away = False


@pytest.mark.parametrize("url", ["http://login.example", "http://10.0.0.1", "ftp://127.0.0.1", "login.example"])
def test_an_issuer_is_not_believed_over_an_open_wire(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        check_address(url)
