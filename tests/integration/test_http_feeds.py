"""A partner's feed over HTTP: its own alone, page by page, waiting, and as a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from adapters.access.api_key import ApiKey
from adapters.ids import uuid7
from adapters.postgres.access_log import PostgresAccessLog
from adapters.postgres.progress import LeaderSession
from domain.access.facts import Role
from projections.disclosure import MOST_CONTENTS
from tests.conftest import Databases
from tests.feeding import ORDERS, agree, enter_all, numbers, partner, place, product, terms
from tests.http_api import HttpApi, served
from tests.http_streams import following


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


class Supplied(NamedTuple):
    """A partner with a key, an agreement and a product."""

    partner_id: UUID
    feed: UUID
    product_id: UUID
    key: ApiKey

    @property
    def path(self) -> str:
        return f"/v1/feeds/{self.feed}"


def supplied(api: HttpApi, name: str, **more: Any) -> Supplied:
    partner_id = partner(api.backend, name)
    feed = agree(api.backend, partner_id, terms(ORDERS, scope="supplier", **more))
    return Supplied(partner_id, feed, product(api.backend, partner_id), api.admit(Role.PARTNER, acts_as=partner_id))


def test_a_partner_pulls_what_concerns_its_products_and_nothing_else(api: HttpApi, databases: Databases) -> None:
    ours, theirs = supplied(api, "Olaria"), supplied(api, "Vidros")
    customer_id = api.backend.customer(name="Ana Lima", country="PT")
    place(api.backend, customer_id, ours.product_id, theirs.product_id, number="2026-1")
    place(api.backend, customer_id, theirs.product_id, number="2026-2")
    enter_all(databases.app)
    told = api.ask(ours.path, role=ours.key).json()
    (event,) = told["events"]
    assert event["type"] == "crm.order.placed.v1"
    assert event["data"] == {"number": "2026-1", "lines": [{"product_id": str(ours.product_id), "quantity": 1}]}
    assert str(customer_id) not in str(event)
    assert (told["next"], told["head"]["feed_seq"], told["head"]["caught_up"]) == (1, 1, True)
    assert numbers(api.ask(theirs.path, role=theirs.key).json()["events"]) == [1, 2]


def test_another_partners_feed_is_not_there_and_for_colleagues_it_is_closed(api: HttpApi) -> None:
    ours, theirs = supplied(api, "Olaria"), supplied(api, "Vidros")
    assert api.ask(ours.path, role=theirs.key).status_code == 404
    assert api.ask("/v1/feeds/0199b0c2-7d1e-7a3b-8c4d-5e6f7a8b9c0d", role=ours.key).status_code == 404
    for role in set(Role) - {Role.ADMINISTRATOR, Role.PARTNER}:
        assert api.ask(ours.path, role=role).status_code == 403, role
    assert api.ask(ours.path, role=api.admit(Role.PARTNER)).status_code == 404
    assert api.ask(ours.path).status_code == 200
    assert api.ask(ours.path, role=None).status_code == 401
    for elsewhere in ("/v1/sales/facts", "/v1/audit/timeline", "/v1/sales/orders"):
        assert api.ask(elsewhere, role=ours.key).status_code == 403, elsewhere


def test_what_is_as_they_have_it_is_not_sent_again(api: HttpApi, databases: Databases) -> None:
    ours = supplied(api, "Olaria")
    place(api.backend, api.backend.customer(), ours.product_id)
    enter_all(databases.app)
    first = api.ask(ours.path, role=ours.key)
    again = api.ask(ours.path, role=ours.key, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    place(api.backend, api.backend.customer(), ours.product_id)
    enter_all(databases.app)
    assert api.ask(ours.path, role=ours.key, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_pages_follow_each_other_to_the_head(api: HttpApi, databases: Databases) -> None:
    ours = supplied(api, "Olaria")
    for n in range(5):
        place(api.backend, api.backend.customer(), ours.product_id, number=str(n))
    enter_all(databases.app)
    seen: list[str] = []
    after, is_caught_up = 0, False
    while not is_caught_up:
        told = api.ask(ours.path, role=ours.key, after=after, limit=2).json()
        seen += [event["data"]["number"] for event in told["events"]]
        after, is_caught_up = told["next"], told["head"]["caught_up"]
    assert seen == ["0", "1", "2", "3", "4"]
    assert told["head"]["complete_until"]
    beyond = api.ask(ours.path, role=ours.key, after=6)
    assert (beyond.status_code, beyond.json()["code"]) == (422, "feed-position")


def test_of_long_texts_a_page_has_few_and_the_next_one_goes_on(api: HttpApi, databases: Databases) -> None:
    partner_id, customer_id = partner(api.backend, "Olaria"), api.backend.customer(name="Ana Lima")
    talks = {"type": "crm.interaction.logged.v1", "fields": ["content"]}
    path = f"/v1/feeds/{agree(api.backend, partner_id, terms(talks, scope='all'))}"
    key = api.admit(Role.PARTNER, acts_as=partner_id)
    for n in range(MOST_CONTENTS + 3):
        said = {"customer_id": customer_id, "channel": "email", "direction": "inbound", "content": f"{n}" * 9_000}
        api.backend.do("interaction.log", interaction_id=uuid7(), **said)
    enter_all(databases.app)
    first = api.ask(path, role=key).json()
    assert (len(first["events"]), first["head"]["caught_up"]) == (MOST_CONTENTS, False)
    rest = api.ask(path, role=key, after=first["next"]).json()
    assert (len(rest["events"]), rest["head"]["caught_up"]) == (3, True)


def test_who_waits_is_answered_when_there_is_something(databases: Databases) -> None:
    def open_news() -> LeaderSession:
        session = LeaderSession(databases.app, "tests")
        session.listen("feeds")
        return session

    with served(databases, open_feed_news=open_news) as api, ThreadPoolExecutor(1) as pool:
        ours, theirs = supplied(api, "Olaria"), supplied(api, "Vidros")
        enter_all(databases.app)
        waiting = pool.submit(api.ask, ours.path, role=ours.key, wait=20)
        place(api.backend, api.backend.customer(), theirs.product_id)
        enter_all(databases.app)
        place(api.backend, api.backend.customer(), ours.product_id, number="waited for")
        enter_all(databases.app)
        assert [event["data"]["number"] for event in waiting.result(20).json()["events"]] == ["waited for"]
        assert api.ask(ours.path, role=ours.key, after=1, wait=1).json()["events"] == []


def test_who_waits_with_a_key_that_is_revoked_meanwhile_is_told_nothing_that_came_since(
    api: HttpApi, databases: Databases
) -> None:
    ours = supplied(api, "Olaria")
    customer_id = api.backend.customer()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.ask, ours.path, role=ours.key, wait=20)
        time.sleep(0.5)
        api.backend.do("access.revoke_key", access_id=ours.key.access_id, hash=ours.key.hash)
        time.sleep(2.0)  # from a second on it opens nothing
        place(api.backend, customer_id, ours.product_id)
        enter_all(databases.app)
        assert waiting.result(timeout=15).json()["events"] == []
    assert api.ask(ours.path, role=ours.key).status_code == 401


def test_a_feed_is_followed_as_a_stream_from_the_last_id_on(api: HttpApi, databases: Databases) -> None:
    ours = supplied(api, "Olaria")
    customer_id = api.backend.customer()
    for n in range(3):
        place(api.backend, customer_id, ours.product_id, number=str(n))
    enter_all(databases.app)
    with following(api, ours.path, last_id=1) as stream:
        assert [message.content["data"]["number"] for message in stream.take(2)] == ["1", "2"]
        place(api.backend, customer_id, ours.product_id, number="3")
        api.backend.do("customer.erase", customer_id=customer_id)
        enter_all(databases.app)
        withheld, tombstone = stream.take(2)
        assert (withheld.event, tombstone.event) == ("withheld", "tombstone")
        assert [str(one.id).partition(".")[0] for one in (withheld, tombstone)] == ["4", "5"]
        assert tombstone.content["data"]["reason"] == "erased"


def test_personal_values_that_an_agreement_names_are_opened_and_who_read_them_is_noted(
    api: HttpApi, databases: Databases
) -> None:
    partner_id = partner(api.backend)
    shown = {"type": "crm.customer.registered.v1", "fields": ["name", "reference"], "masks": {"name": "first_letter"}}
    feed = agree(api.backend, partner_id, terms(shown))
    customer_id = api.backend.customer(name="Ana Lima", reference="NIF 1", country="PT")
    enter_all(databases.app)
    key = api.admit(Role.PARTNER, acts_as=partner_id)
    (event,) = api.ask(f"/v1/feeds/{feed}", role=key).json()["events"]
    assert event["data"] == {"name": "A…", "reference": "NIF 1"}
    with closing(PostgresAccessLog(databases.app)) as log:
        (reading,) = log.of_persons([customer_id])
    assert (reading.principal, reading.route) == (str(partner_id), "/v1/feeds/{agreement_id}")


def test_a_suspended_feed_is_closed_until_it_is_resumed(api: HttpApi) -> None:
    ours = supplied(api, "Olaria")
    api.backend.do("agreement.suspend", agreement_id=ours.feed)
    assert api.ask(ours.path, role=ours.key).status_code == 409
    api.backend.do("agreement.resume", agreement_id=ours.feed)
    assert api.ask(ours.path, role=ours.key).status_code == 200


def test_a_row_filter_that_does_not_parse_is_refused_over_http(api: HttpApi) -> None:
    body = {"partner_id": str(partner(api.backend)), "terms": terms(row_filter="fact.country ==")}
    answer = api.give("agreement/new/draft", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "filter")
    assert "Syntax error" in answer.json()["detail"]
