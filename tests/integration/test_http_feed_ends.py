"""The end of a feed over HTTP: the key of a removed partner opens its tombstones until they are acknowledged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from adapters.access.api_key import ApiKey
from adapters.http.leaving import TERM_S
from domain.access.facts import Role
from tests.closing import closer_of
from tests.conftest import Databases
from tests.feeding import ORDERS, agree, amend, enter_all, numbers, partner, place, product, terms
from tests.http_api import Answer, HttpApi, served


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


class Partner(NamedTuple):
    """A partner with a key, and a feed that was told something."""

    api: HttpApi
    databases: Databases
    partner_id: UUID
    feed: UUID
    customer_id: UUID
    key: ApiKey

    @property
    def path(self) -> str:
        return f"/v1/feeds/{self.feed}"

    def ask(self, path: str = "", **query: Any) -> Answer:
        return self.api.ask(f"{self.path}{path}", role=self.key, **query)

    def acknowledge(self, body: Any) -> Answer:
        return self.api.give(f"feeds/{self.feed}/acknowledged", body, role=self.key)

    def order(self) -> None:
        place(self.api.backend, self.customer_id, product(self.api.backend, self.partner_id))
        enter_all(self.databases.app)

    def remove(self) -> None:
        self.api.backend.do("partner.remove", partner_id=self.partner_id)
        enter_all(self.databases.app)
        time.sleep(TERM_S + 0.1)  # so long it may be taken for one that was not removed

    def close_feeds(self) -> None:
        with closer_of(self.databases.app, self.api.backend) as term:
            term.step()
        time.sleep(TERM_S + 0.1)


@pytest.fixture
def ours(api: HttpApi, databases: Databases) -> Partner:
    partner_id = partner(api.backend)
    feed = agree(api.backend, partner_id, terms(ORDERS, scope="supplier"))
    made = Partner(
        api, databases, partner_id, feed, api.backend.customer(), api.admit(Role.PARTNER, acts_as=partner_id)
    )
    made.order()
    return made


def test_a_removed_partner_reads_its_tombstones_alone_acknowledges_and_is_shut_out(ours: Partner) -> None:
    ours.api.fold()
    assert ours.api.ask("/v1/partners/agreements", role=ours.key).status_code == 200
    ours.remove()
    for elsewhere in ("/v1/partners/agreements", "/v1/partners/products", f"{ours.path}/sandbox"):
        assert ours.api.ask(elsewhere, role=ours.key).status_code == 403, elsewhere
    told = ours.ask().json()
    assert [event["data"] for event in told["events"]] == [{"reason": "revoked", "through": 1}]
    assert (numbers(told["events"]), told["next"], told["head"]["caught_up"]) == ([2], 2, True)
    assert ours.ask("/schemas.json").status_code == 200
    ours.close_feeds()
    assert ours.ask().status_code == 200
    assert ours.acknowledge({"through": told["next"]}).json() == {"acknowledged": 2}
    ours.close_feeds()
    assert ours.ask().status_code == 401
    assert ours.api.ask(ours.path).status_code == 410
    assert ours.api.ask(ours.path).json()["code"] == "feed-closed"


def test_who_follows_is_cut_off_when_its_partner_is_removed_and_may_come_again(ours: Partner) -> None:
    headers = {"Authorization": f"Bearer {ours.key.text}", "Accept": "text/event-stream"}
    with ours.api.client.stream("GET", ours.path, headers=headers) as stream:
        lines = stream.iter_lines()
        assert any("crm.order.placed.v1" in line for line in lines)
        ours.remove()
        assert not any("crm.order" in line for line in lines)  # it ends
    with ours.api.client.stream("GET", ours.path, headers=headers) as stream:
        assert next(line for line in stream.iter_lines() if line.startswith("event:")) == "event: tombstone"


def test_a_revoked_agreement_closes_and_its_partner_keeps_its_key(ours: Partner) -> None:
    ours.api.backend.do("agreement.suspend", agreement_id=ours.feed)
    assert ours.ask().status_code == 409
    ours.api.backend.do("agreement.revoke", agreement_id=ours.feed)
    enter_all(ours.databases.app)
    assert numbers(ours.ask().json()["events"]) == [2]
    ours.acknowledge({"through": 2})
    ours.close_feeds()
    assert (ours.ask().status_code, ours.acknowledge({"through": 2}).status_code) == (410, 410)
    ours.api.fold()
    (row,) = ours.api.ask("/v1/partners/agreements", role=ours.key).json()["rows"]
    assert (row["feed_state"], row["acknowledged"], row["closing"]) == ("closed", 2, "acknowledged")


def test_an_erasure_is_acknowledged_while_the_feed_is_open(ours: Partner) -> None:
    ours.api.backend.do("customer.erase", customer_id=ours.customer_id)
    enter_all(ours.databases.app)
    withheld, tombstone = ours.ask().json()["events"]
    assert (withheld["data"], tombstone["data"]["through"]) == ({"reason": "erased"}, 1)
    assert ours.acknowledge({"through": 1}).json() == {"acknowledged": 0}
    assert [ours.acknowledge({"through": 2}).json() for _ in range(2)] == [{"acknowledged": 2}] * 2
    ours.api.fold()
    (row,) = ours.api.ask("/v1/partners/agreements", role=ours.key).json()["rows"]
    assert (row["feed_state"], row["acknowledged"]) == ("open", 2)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"through": 9}, 422, "feed-position"),
        ({"through": 0}, 422, "body"),
        ({}, 422, "body"),
        ({"through": 1, "more": 1}, 422, "body"),
        ({"through": 2**70}, 422, "body"),
        ([1], 422, "malformed"),
    ],
)
def test_an_acknowledgement_that_cannot_be_is_refused(ours: Partner, body: Any, status: int, code: str) -> None:
    answer = ours.acknowledge(body)
    assert (answer.status_code // 100, answer.json()["code"]) == (status // 100, code)


def test_nobody_acknowledges_for_another_partner(ours: Partner) -> None:
    stranger = ours.api.admit(Role.PARTNER, acts_as=partner(ours.api.backend, "Vidros"))
    path = f"feeds/{ours.feed}/acknowledged"
    assert ours.api.give(path, {"through": 1}, role=stranger).status_code == 404
    assert ours.api.give(path, {"through": 1}, role=Role.SALES).status_code == 403
    assert ours.api.give(path, {"through": 1}, role=None).status_code == 401


def test_a_notice_of_change_is_a_message_of_its_own(ours: Partner) -> None:
    amend(ours.api.backend, ours.feed, terms({**ORDERS, "fields": ["number"]}, scope="supplier"))
    enter_all(ours.databases.app)
    events = ours.ask().json()["events"]
    assert [event["type"].split(".")[2] for event in events] == ["placed", "tombstone", "changed"]
    assert events[2]["data"]["fields"] == {ORDERS["type"]: {"removed": ["lines.product_id", "lines.quantity"]}}
    for name in events[2]["data"]["documents"]:
        assert ours.ask(f"/{name}").status_code == 200
    headers = {"Authorization": f"Bearer {ours.key.text}", "Accept": "text/event-stream", "Last-Event-ID": "2"}
    with ours.api.client.stream("GET", ours.path, headers=headers) as stream:
        assert next(line for line in stream.iter_lines() if line.startswith("event:")) == "event: changed"
