"""A feed as webhooks: what pull tells, in order, signed, and no endpoint waits for another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from adapters.documents.feed import FeedDocuments
from adapters.postgres.access_log import PostgresAccessLog
from deploy.webhooks import _disable
from domain.endpoint.facts import EndpointDisabled
from domain.event import Origin
from streams.feeds.disclosing import TOMBSTONE
from streams.webhooks import schedule
from streams.webhooks.endpoints import endpoint_in
from streams.webhooks.messages import PING
from tests.conftest import Databases
from tests.documented import require_message
from tests.receiving import (
    Answer,
    Receiver,
    answer_and_close,
    drip_body,
    drip_headers,
    hang,
    lie_about_length,
    receiving,
    send_for_ever,
    status,
    talk_nonsense,
)
from tests.webhooks import HookShop, await_true, delivering, hook_shop

CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name"]}
CONSENT = {"channel": "partner_sharing", "purpose": "service"}


@pytest.fixture
def shop(databases: Databases, tmp_path: Path) -> Iterator[HookShop]:
    with hook_shop(databases, tmp_path) as shop:
        yield shop


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule, in milliseconds where it has minutes and hours."""
    monkeypatch.setattr(schedule, "PAUSES_S", tuple(0.05 for _ in schedule.PAUSES_S))


def verified(shop: HookShop, endpoint_id: UUID, receiver: Receiver) -> None:
    signer = shop.installation.webhook_signer
    webhook = Webhook(signer.shown(endpoint_id, endpoint_in(shop.installation.ledger, endpoint_id)))
    for one in receiver.heard:
        webhook.verify(one.body, one.headers)


def test_a_receiver_is_sent_what_the_feeds_document_says(shop: HookShop) -> None:
    feed = shop.agree()
    deliveries = shop.installation.deliveries
    asyncapi = FeedDocuments(feed, deliveries.agreement(feed), 1, deliveries.source_of(feed)).asyncapi
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        shop.enter(1)
        shop.backend.do("customer.erase", customer_id=shop.customer_id)
        shop.enter()
        await_true(lambda: receiver.numbers == [1, 2])
        assert shop.ask(endpoint_id).startswith("taken")
    for one in receiver.heard:
        require_message(asyncapi, f"webhook.{one.event['type']}", one.event, one.headers)
    assert {one.event["type"] for one in receiver.heard} >= {TOMBSTONE, PING}


def test_a_receiver_is_sent_what_pull_tells_in_order_once_and_signed(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(*range(120))
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: len(receiver.heard) == 120)
        shop.enter("new", "newer")
        await_true(lambda: len(receiver.heard) == 122)
        assert [one.event for one in receiver.entries] == list(shop.pulled(feed))
        assert receiver.numbers == [*range(1, 123)]
        assert len({one.headers["webhook-id"] for one in receiver.heard}) == 122
        assert {one.headers["content-type"] for one in receiver.heard} == {
            "application/cloudevents+json; charset=utf-8"
        }
        assert {one.path for one in receiver.heard} == {"/hook?of=tests"}
        assert receiver.connections == 1
        verified(shop, endpoint_id, receiver)
        await_true(lambda: getattr(shop.standing(endpoint_id), "taken", 0) == 122)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (hang, "no answer within 1 s"),
        (drip_headers, "no answer within 1 s"),
        (status(500), "answered 500"),
        (status(404), "answered 404"),
        (talk_nonsense, "illegal"),
    ],
)
def test_who_fails_holds_up_nobody_else(shop: HookShop, answer: Answer, why: str) -> None:
    feed = shop.agree()
    shop.enter(*range(30))
    with receiving(answer) as bad, receiving() as good, delivering(shop.installation):
        held_up, other = shop.endpoint(feed, bad.url), shop.endpoint(feed, good.url)
        await_true(lambda: good.numbers == [*range(1, 31)])
        await_true(lambda: shop.state(held_up) == "failing")
        found = shop.standing(held_up)
        assert found
        assert why in found.reason
        assert found.taken == 0
        assert set(bad.numbers) == {1}
        assert shop.state(other) == "active"


@pytest.mark.parametrize("answer", [drip_body, lie_about_length, send_for_ever, answer_and_close])
def test_once_its_status_is_heard_a_message_is_taken_whatever_comes_of_the_body(shop: HookShop, answer: Answer) -> None:
    feed = shop.agree()
    shop.enter(1, 2, 3)
    with receiving(answer) as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: getattr(shop.standing(endpoint_id), "taken", 0) == 3)
        assert receiver.numbers == [1, 2, 3]
        assert shop.state(endpoint_id) == "active"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_never_followed(shop: HookShop, code: int) -> None:
    feed = shop.agree()
    shop.enter(1)
    with receiving() as inside, receiving(status(code, Location=inside.url)) as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: shop.state(endpoint_id) == "failing")
        assert (inside.connections, receiver.numbers) == (0, [1])


@pytest.mark.usefixtures("soon")
def test_the_schedule_goes_on_with_the_same_entry_and_then_in_order(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1, 2, 3)
    with receiving(status(503)) as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: len(receiver.heard) >= 3)
        receiver.answer = status(200)
        await_true(lambda: receiver.numbers[-1] == 3)
        assert sorted(receiver.numbers) == receiver.numbers
        assert len({one.headers["webhook-id"] for one in receiver.heard if one.number == 1}) == 1
        await_true(lambda: shop.state(endpoint_id) == "active")


@pytest.mark.usefixtures("soon")
def test_after_the_schedule_it_is_disabled_by_a_fact_and_enabled_it_goes_on_from_there(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1, 2)
    with receiving(status(500)) as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: shop.state(endpoint_id) == "disabled")
        assert receiver.numbers == [1] * 10
        disabled = shop.facts(endpoint_id)[-1]
        assert isinstance(disabled.fact, EndpointDisabled)
        assert disabled.fact.reason
        assert disabled.fact.reason.startswith("failed 10 times since")
        assert (disabled.actor, disabled.origin) == ("webhooks", Origin.REACTOR)
        receiver.answer = status(200)
        shop.enter(3)
        shop.do("enable", endpoint_id)
        await_true(lambda: receiver.numbers[10:] == [1, 2, 3])


def test_who_answers_gone_is_disabled_at_once(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1, 2)
    with receiving(status(410)) as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: shop.state(endpoint_id) == "disabled")
        assert receiver.numbers == [1]
        assert [event.type for event in shop.facts(endpoint_id)] == [
            "crm.endpoint.added.v1",
            "crm.endpoint.disabled.v1",
        ]


def test_who_asks_for_a_pause_gets_it_and_is_tried_again(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1, 2)
    with receiving(status(429, Retry_After="1")) as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: shop.state(endpoint_id) == "failing")
        receiver.answer = status(204)
        await_true(lambda: receiver.numbers == [1, 1, 2])
        found = shop.standing(endpoint_id)
        assert found
        assert found.failures == 0


def test_what_became_of_a_person_between_entry_and_delivery_is_told(shop: HookShop) -> None:
    feed = shop.agree(CUSTOMERS)
    erased, stays = (shop.backend.customer(name=name) for name in ("Ana", "Rui"))
    shop.enter()
    shop.backend.do("customer.erase", customer_id=erased)
    shop.enter()
    with receiving() as receiver, delivering(shop.installation):
        shop.endpoint(feed, receiver.url)
        await_true(lambda: len(receiver.heard) == 3)
    kinds = [one.event["type"] for one in receiver.entries]
    assert kinds == ["crm.feed.withheld.v1", "crm.customer.registered.v1", "crm.feed.tombstone.v1"]
    assert "Ana" not in str(receiver.heard)
    with closing(PostgresAccessLog(shop.databases.app)) as log:
        (reading,) = log.of_persons([stays])
        assert (reading.principal, reading.route) == (str(shop.partner_id), "webhook")


@pytest.mark.usefixtures("soon")
def test_a_consent_that_is_withdrawn_while_an_endpoint_fails_holds_when_it_is_sent(shop: HookShop) -> None:
    feed = shop.agree(consent=CONSENT)
    customer_id = shop.backend.customer()
    shop.backend.do("customer.give_consent", customer_id=customer_id, **CONSENT)
    shop.place("kept from them", customer_id=customer_id)
    shop.enter()
    with receiving(hang) as receiver, delivering(shop.installation, attempt_s=0.3):
        shop.endpoint(feed, receiver.url)
        await_true(lambda: len(receiver.heard) == 1)
        shop.backend.do("customer.withdraw_consent", customer_id=customer_id, **CONSENT)
        receiver.answer = status(204)
        await_true(lambda: len(receiver.heard) > 1)
        assert receiver.entries[-1].event["type"] == "crm.feed.withheld.v1"
        assert receiver.entries[-1].headers["webhook-id"] == receiver.entries[0].headers["webhook-id"]


def test_nothing_is_sent_while_the_agreement_is_suspended(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1)
    shop.backend.do("agreement.suspend", agreement_id=feed)
    with receiving() as receiver, receiving() as other, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        shop.endpoint(shop.agree(), other.url)
        shop.enter(2)
        await_true(lambda: len(other.heard) == 1)
        assert shop.ask(endpoint_id, 1, 1).startswith("not taken")
        assert receiver.numbers == []
        shop.backend.do("agreement.resume", agreement_id=feed)
        await_true(lambda: receiver.numbers == [1])


def test_a_ping_is_signed_and_no_entry(shop: HookShop) -> None:
    feed = shop.agree()
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        assert shop.ask(endpoint_id) == "taken: answered 204"
        receiver.answer = status(500)
        assert shop.ask(endpoint_id) == "not taken: answered 500"
        assert [one.event["type"] for one in receiver.heard] == ["crm.feed.ping.v1"] * 2
        verified(shop, endpoint_id, receiver)
        assert shop.state(endpoint_id) == "active"
    tried = shop.installation.webhooks.log(endpoint_id, limit=10)
    assert [(one.kind, one.feed_seq, one.status) for one in tried] == [("ping", None, 500), ("ping", None, 204)]


def test_entries_are_sent_once_more_beside_what_comes_new(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(*range(250))
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        await_true(lambda: len(receiver.heard) == 250)
        await_true(lambda: getattr(shop.standing(endpoint_id), "taken", 0) == 250)
        assert shop.ask(endpoint_id, 7, 7) == "taken: all"
        assert receiver.numbers[250:] == [7]
        assert receiver.heard[-1].headers["webhook-id"] == receiver.heard[6].headers["webhook-id"]
        assert shop.ask(endpoint_id, 11, 230) == "taken: all"
        assert receiver.numbers[251:] == [*range(11, 231)]
        assert shop.ask(endpoint_id, 250, 251) == "not taken: it has come to 250 only"
        shop.enter("new")
        await_true(lambda: receiver.numbers[-1] == 251)
        receiver.answer = status(400)
        assert shop.ask(endpoint_id, 1, 9) == "not taken: 1 answered 400"
        assert shop.state(endpoint_id) == "active"


def test_the_log_says_what_was_tried_and_nothing_of_what_was_sent(shop: HookShop) -> None:
    feed = shop.agree()
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        shop.enter(1)
        await_true(lambda: len(shop.installation.webhooks.log(endpoint_id, limit=10)) == 1)
        receiver.answer = status(500)
        shop.enter(2)
        await_true(lambda: len(shop.installation.webhooks.log(endpoint_id, limit=10)) == 2)
        told = [(one.kind, one.feed_seq, one.status) for one in shop.installation.webhooks.log(endpoint_id, limit=10)]
        assert told == [("entry", 2, 500), ("entry", 1, 204)]


def test_an_endpoint_begins_behind_what_its_partner_has(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1, 2, 3)
    with receiving() as receiver, delivering(shop.installation):
        shop.endpoint(feed, receiver.url, after=2)
        await_true(lambda: receiver.numbers == [3])
        beyond = shop.endpoint(feed, receiver.url, after=4)
        await_true(lambda: shop.state(beyond) == "active")
        shop.enter(4)
        await_true(lambda: receiver.numbers == [3, 4])
        shop.enter(5)
        await_true(lambda: receiver.numbers == [3, 4, 5, 5])


def test_it_moves_is_disabled_by_hand_and_removed(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1)
    with receiving() as first, receiving() as second, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, first.url)
        await_true(lambda: first.numbers == [1])
        shop.do("move", endpoint_id, url=second.url)
        shop.do("disable", endpoint_id, reason="asked for")
        await_true(lambda: shop.state(endpoint_id) == "disabled")
        shop.enter(2)
        assert shop.ask(endpoint_id).startswith("taken")
        shop.do("enable", endpoint_id)
        await_true(lambda: second.numbers == [2])
        shop.do("remove", endpoint_id)
        await_true(lambda: shop.standing(endpoint_id) is None)
        shop.enter(3)
    assert (first.numbers, second.numbers) == ([1], [2])


def test_a_new_secret_signs_beside_the_old_one(shop: HookShop) -> None:
    feed = shop.agree()
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        old = Webhook(
            shop.installation.webhook_signer.shown(endpoint_id, endpoint_in(shop.backend.ledger, endpoint_id))
        )
        shop.do("rotate_secret", endpoint_id, replaced_until=datetime.now(UTC) + timedelta(hours=1))
        shop.enter(1)
        await_true(lambda: len(receiver.heard) == 1)
        old.verify(receiver.heard[0].body, receiver.heard[0].headers)
        verified(shop, endpoint_id, receiver)


def test_of_two_workers_one_delivers_and_the_other_goes_on_where_that_one_ended(shop: HookShop) -> None:
    feed = shop.agree()
    with receiving() as receiver, delivering(shop.installation):
        endpoint_id = shop.endpoint(feed, receiver.url)
        with delivering(shop.installation):
            shop.enter(1, 2)
            await_true(lambda: getattr(shop.standing(endpoint_id), "taken", 0) == 2)
    with receiving(port=receiver.port) as again, delivering(shop.installation):
        shop.enter(3)
        await_true(lambda: again.numbers == [3])
    assert receiver.numbers == [1, 2]


def test_what_leads_inside_is_not_sent_even_where_it_was_allowed_once(databases: Databases, tmp_path: Path) -> None:
    with hook_shop(databases, tmp_path, webhook_networks=()) as shop, receiving() as inside:
        feed = shop.agree()
        shop.enter(1)
        named, numbered = (
            shop.endpoint(feed, inside.url.replace("127.0.0.1", host)) for host in ("localhost", "127.0.0.1")
        )
        with delivering(shop.installation):
            await_true(lambda: shop.state(named) == shop.state(numbered) == "failing")
            assert "machine" in getattr(shop.standing(named), "reason", "")
            assert "machine" in getattr(shop.standing(numbered), "reason", "")
        assert inside.connections == 0


def test_giving_up_is_recorded_once_for_each_time_that_it_was_enabled(shop: HookShop) -> None:
    """Also by who was killed after the fact, and comes to another reason when it begins anew."""
    endpoint_id = shop.endpoint(shop.agree(), "https://partner.example/")
    for _ in range(2):
        before = endpoint_in(shop.backend.ledger, endpoint_id)
        for reason in ("failed 10 times", "answered 410", "x" * 500):
            _disable(shop.installation, endpoint_id, before, reason)
        shop.do("enable", endpoint_id)
    kinds = [event.type.split(".")[2] for event in shop.facts(endpoint_id)]
    assert kinds == ["added", "disabled", "enabled", "disabled", "enabled"]
    removed = endpoint_in(shop.backend.ledger, endpoint_id)
    shop.do("remove", endpoint_id)
    _disable(shop.installation, endpoint_id, removed, "too late")
    assert [event.type for event in shop.facts(endpoint_id)][-1] == "crm.endpoint.removed.v1"


def test_who_was_disabled_just_before_the_worker_was_killed_is_sent_nothing(shop: HookShop) -> None:
    feed = shop.agree()
    shop.enter(1)
    with receiving() as receiver:
        endpoint_id = shop.endpoint(feed, receiver.url, after=1)
        with delivering(shop.installation):
            await_true(lambda: shop.state(endpoint_id) == "active")
        shop.do("disable", endpoint_id)
        shop.enter(2)
        with receiving() as other, delivering(shop.installation):
            shop.endpoint(feed, other.url)
            await_true(lambda: other.numbers == [1, 2])
            assert shop.state(endpoint_id) == "disabled"
        assert receiver.numbers == []
