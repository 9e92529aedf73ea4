"""Who may come in: keys that open, expire, are rotated and revoked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.access.api_key import ApiKey, new_key
from adapters.http.api_keys import TERM_S
from adapters.ids import uuid7
from domain.access.facts import Role
from tests.conftest import Databases
from tests.http_api import HttpApi, served


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def opens(api: HttpApi, key: ApiKey | None) -> bool:
    answer = api.give("product/new/register", {"name": "Chair"}, role=key)
    assert answer.status_code in {201, 401}, answer.text
    return answer.status_code == 201


def test_who_shows_no_key_or_a_made_up_one_is_not_let_in(api: HttpApi) -> None:
    api.register()
    for key in (None, new_key(uuid7()), new_key(api.key(Role.ADMINISTRATOR).access_id)):
        assert not opens(api, key)
        assert api.ask("/v1/sales/pipeline", role=key).status_code == 401
    assert api.client.get("/v1/sales/pipeline").headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_opens_no_more_after_a_moment(api: HttpApi) -> None:
    key = api.admit(Role.ADMINISTRATOR)
    assert opens(api, key)
    api.backend.do("access.revoke_key", access_id=key.access_id, hash=key.hash)
    time.sleep(TERM_S + 0.1)
    assert not opens(api, key)


def test_a_rotated_key_opens_until_its_end_beside_the_new_one(api: HttpApi) -> None:
    old = api.admit(Role.ADMINISTRATOR)
    key = new_key(old.access_id)
    until = datetime.now(UTC) + timedelta(seconds=2)
    api.backend.do("access.rotate_key", access_id=old.access_id, hash=key.hash, replaces=old.hash, replaced_until=until)
    assert opens(api, key)
    assert opens(api, old)
    time.sleep(2 + TERM_S + 0.1)
    assert not opens(api, old)
    assert opens(api, key)


def test_an_expired_key_does_not_open(api: HttpApi) -> None:
    key = api.admit(Role.ADMINISTRATOR)
    expired = new_key(key.access_id)
    past = datetime.now(UTC) - timedelta(seconds=1)
    api.backend.do("access.issue_key", access_id=key.access_id, hash=expired.hash, expires_at=past)
    assert not opens(api, expired)
    assert opens(api, key)


def test_a_principal_without_a_role_is_known_but_may_nothing(api: HttpApi) -> None:
    answer = api.give("product/new/register", {"name": "Chair"}, role=api.admit())
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")


def test_facts_bear_who_the_principal_acts_as(api: HttpApi) -> None:
    seller = uuid7()
    answer = api.give("product/new/register", {"name": "Chair"}, role=api.admit(Role.SALES, acts_as=seller))
    [event] = api.backend.ledger.read(answer.json()["positions"][0] - 1, 1)
    assert event.actor == str(seller)
