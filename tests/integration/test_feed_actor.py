"""Partners' feeds on PostgreSQL: entered once and without gaps, whatever is killed; followed by tombstones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.filters import cel
from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from adapters.postgres.feed_desk import PostgresFeedDesk
from adapters.postgres.feeds import PostgresFeeds
from domain.errors import ConflictError, InvalidError, UnknownError
from domain.event import Origin
from domain.execute import Context
from domain.personal import ERASED
from streams.feeds.actor import BookmarkMovedError, Term, Written
from streams.feeds.delivery import Deliveries, FeedPositionError
from streams.feeds.disclosing import Delivery
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.feeding import (
    ORDERS,
    agree,
    amend,
    deliveries_of,
    enter_all,
    leading,
    numbers,
    partner,
    place,
    product,
    terms,
)
from tests.renewing import newer_release

ROOT = Path(__file__).parents[2]
CONSENT = {"channel": "partner_sharing", "purpose": "service"}
CUSTOMERS = {"type": "crm.customer.registered.v1", "fields": ["name", "country"]}
AMENDED = {"type": "crm.order.amended.v1", "fields": ["lines"]}
Told = Sequence[dict[str, Any]]


class Shop:
    """An installation with a partner, and what its feeds tell."""

    def __init__(self, backend: Backend, databases: Databases, feeds: PostgresFeeds) -> None:
        self.backend, self.databases, self.feeds = backend, databases, feeds
        self.deliveries: Deliveries = deliveries_of(backend, feeds)
        self.partner_id = partner(backend)

    def agree(self, *shows: dict[str, Any], scope: str = "all", **more: Any) -> UUID:
        return agree(self.backend, self.partner_id, terms(*shows, scope=scope, **more))

    def told(self, feed: UUID, after: int = 0) -> Told:
        return self.deliveries.read(feed, self.open_within, after=after, limit=1_000).events  # type: ignore[return-value]

    def open_within(self, things: Sequence[Any]) -> Sequence[Any]:
        return [{name: self._opened(part) for name, part in thing.items()} for thing in things]

    def _opened(self, part: Any) -> Any:
        return self.backend.vault.open([part])[0] if type(part).__name__ == "Sealed" else part

    def enter_all(self) -> None:
        enter_all(self.databases.app)


@pytest.fixture
def shop(databases: Databases) -> Iterator[Shop]:
    with (
        Backend.open(databases.app, databases.keys_app, new_master()) as backend,
        closing(PostgresFeeds(databases.app)) as feeds,
    ):
        yield Shop(backend, databases, feeds)


def test_entries_are_numbered_without_gaps_in_the_ledgers_order(shop: Shop) -> None:
    all_orders, country = shop.agree(), shop.agree(row_filter="fact.country == 'PT'")
    customer_id, item = shop.backend.customer(), product(shop.backend)
    for n in range(6):
        place(shop.backend, customer_id, item, number=str(n), country=("PT", "ES")[n % 2])
        if n == 3:
            shop.enter_all()
    shop.enter_all()
    assert [event["data"]["number"] for event in shop.told(all_orders)] == ["0", "1", "2", "3", "4", "5"]
    assert [event["data"]["number"] for event in shop.told(country)] == ["0", "2", "4"]
    assert numbers(shop.told(country)) == [1, 2, 3]
    assert numbers(shop.told(all_orders, after=4)) == [5, 6]


def test_nothing_is_entered_before_an_agreement_is_activated_nor_while_it_is_suspended(shop: Shop) -> None:
    customer_id, item = shop.backend.customer(), product(shop.backend)
    feed = agree(shop.backend, shop.partner_id, active=False)
    place(shop.backend, customer_id, item, number="drafted")
    shop.backend.do("agreement.activate", agreement_id=feed)
    place(shop.backend, customer_id, item, number="active")
    shop.backend.do("agreement.suspend", agreement_id=feed)
    place(shop.backend, customer_id, item, number="suspended")
    shop.enter_all()
    with pytest.raises(ConflictError):
        shop.told(feed)
    shop.backend.do("agreement.resume", agreement_id=feed)
    place(shop.backend, customer_id, item, number="resumed")
    shop.enter_all()
    assert [event["data"]["number"] for event in shop.told(feed)] == ["active", "resumed"]


def test_a_supplier_sees_its_own_lines_also_after_they_were_taken_out(shop: Shop) -> None:
    feed = shop.agree(ORDERS, AMENDED, {"type": "crm.order.cancelled.v1"}, scope="supplier")
    ours, theirs = product(shop.backend, shop.partner_id), product(shop.backend, partner(shop.backend, "Vidros"))
    order_id = place(shop.backend, shop.backend.customer(), ours, theirs)
    lines = [{"product_id": theirs, "quantity": 1, "amount_minor": 5}]
    shop.backend.do("order.amend", order_id=order_id, lines=lines)
    shop.backend.do("order.cancel", order_id=order_id)
    place(shop.backend, shop.backend.customer(), theirs)
    shop.enter_all()
    placed, amended, cancelled = shop.told(feed)
    assert [line["product_id"] for line in placed["data"]["lines"]] == [str(ours)]
    assert amended["data"] == {"lines": []}
    assert cancelled["data"] == {}
    assert {event["stream"] for event in (placed, amended, cancelled)} == {str(order_id)}


def test_a_supplier_hears_of_the_shipments_with_its_products_alone(shop: Shop) -> None:
    shipped = {"type": "crm.order.shipped.v1", "fields": ["shipment", "lines"]}
    feed = shop.agree(shipped, {"type": "crm.order.shipment_delivered.v1", "fields": ["shipment"]}, scope="supplier")
    ours, theirs = product(shop.backend, shop.partner_id), product(shop.backend, partner(shop.backend, "Vidros"))
    order_id = place(shop.backend, shop.backend.customer(), ours, theirs)
    for name, lines in (("ours", [ours]), ("theirs", [theirs]), ("both", [theirs, ours]), ("untold", None)):
        told = lines and [{"product_id": one, "quantity": 1} for one in lines]
        shop.backend.do("order.ship", order_id=order_id, shipment=name, lines=told)
        if name == "both":  # and what was learned before is learned again
            shop.enter_all()
    for name in ("theirs", "ours", "untold"):
        shop.backend.do("order.deliver_shipment", order_id=order_id, shipment=name)
    shop.enter_all()
    events = shop.told(feed)
    assert [event["data"]["shipment"] for event in events] == ["ours", "both", "untold", "ours", "untold"]
    assert [event["data"].get("lines") for event in events[:2]] == [[{"product_id": str(ours), "quantity": 1}]] * 2


def test_an_order_of_nobody_known_yet_is_shown_under_its_own_id_and_its_subject_is_not(shop: Shop) -> None:
    feed = shop.agree(ORDERS)
    order_id = place(shop.backend, None, product(shop.backend))
    shop.enter_all()
    (placed,) = shop.told(feed)
    assert placed["stream"] == str(order_id)
    assert placed["subject"] != str(order_id)


class Growing(PostgresFeeds):
    """An entry comes whenever somebody has read."""

    def __init__(self, dsn: str, grow: Callable[[], None]) -> None:
        super().__init__(dsn)
        self._grow = grow

    def read(self, feed: UUID, after: int, limit: int) -> Sequence[Delivery]:
        found = super().read(feed, after, limit)
        self._grow()
        return found


def test_a_page_says_that_more_is_there_only_if_it_has_some_of_it(shop: Shop) -> None:
    feed, item = shop.agree(), product(shop.backend)

    def grow() -> None:
        place(shop.backend, None, item)
        shop.enter_all()

    with closing(Growing(shop.databases.app, grow)) as feeds:
        deliveries = deliveries_of(shop.backend, feeds)
        grow()
        page = deliveries.read(feed, shop.open_within, after=1, limit=10)
        assert ([*page.events], page.next, page.head) == ([], 1, 1)


def test_a_row_filter_that_this_release_does_not_take_any_more_matches_nothing_and_ends_no_feed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, item = shop.agree(), product(shop.backend)
    place(shop.backend, shop.backend.customer(), item)
    shop.backend.do("agreement.amend", agreement_id=feed, terms=terms(ORDERS, row_filter="size(fact.lines) > 0"))
    shop.backend.do("agreement.activate", agreement_id=feed)
    monkeypatch.setattr(cel, "FUNCTIONS", cel.FUNCTIONS - {"size"})
    place(shop.backend, shop.backend.customer(), item)
    shop.enter_all()
    events = [event["type"] for event in shop.told(feed)]
    assert events == ["crm.feed.withheld.v1", "crm.feed.tombstone.v1", "crm.feed.changed.v1"]


def test_a_territory_is_its_partners_from_when_it_was_assigned(shop: Shop) -> None:
    feed, territory_id = shop.agree(scope="territory"), uuid7()
    shop.backend.do("territory.form", territory_id=territory_id, name="Iberia", countries=["PT", "ES"])
    customer_id, item = shop.backend.customer(country="PT"), product(shop.backend)
    place(shop.backend, customer_id, item, number="before")
    begin = datetime.now(UTC)
    shop.backend.do("territory.assign_partner", territory_id=territory_id, partner_id=shop.partner_id, valid_from=begin)
    place(shop.backend, customer_id, item, number="in it")
    place(shop.backend, shop.backend.customer(country="FR"), item, number="elsewhere")
    shop.backend.do("territory.close", territory_id=territory_id)
    place(shop.backend, customer_id, item, number="after")
    shop.enter_all()
    assert [event["data"]["number"] for event in shop.told(feed)] == ["in it"]


def test_named_customers_are_known_under_the_id_that_they_were_merged_into(shop: Shop) -> None:
    named, other = shop.backend.customer(), shop.backend.customer()
    feed, item = shop.agree(scope="customers", customers=[str(other)]), product(shop.backend)
    place(shop.backend, named, item, number="a stranger's")
    shop.backend.do("customer.merge", customer_id=named, into_id=other)
    place(shop.backend, other, item, number="theirs")
    shop.enter_all()
    assert [event["data"]["number"] for event in shop.told(feed)] == ["theirs"]


def test_imports_send_nothing_unless_the_agreement_asks_for_them(shop: Shop) -> None:
    without, with_imports = shop.agree(), shop.agree(imported=True)
    lines = [{"product_id": uuid7(), "quantity": 1, "amount_minor": 1}]
    given = {"order_id": uuid7(), "number": "old", "kind": "sale", "currency": "EUR", "lines": lines}
    given["customer_id"] = shop.backend.customer()
    shop.backend.do("order.place", Context(uuid7(), "importer", origin=Origin.IMPORT), **given)
    shop.enter_all()
    assert (len(shop.told(without)), len(shop.told(with_imports))) == (0, 1)


def test_a_fact_that_the_filter_cannot_be_asked_about_does_not_match_and_is_counted(shop: Shop) -> None:
    feed = shop.agree(row_filter="fact.country > 3 || fact.channel == 'x'")
    for _ in range(3):
        place(shop.backend, shop.backend.customer(), product(shop.backend), country="PT")
    shop.enter_all()
    assert not shop.told(feed)
    assert shop.feeds.misfits()[feed].facts == 3
    assert "KeyError" in shop.feeds.misfits()[feed].reason


def test_a_row_filter_that_is_no_expression_is_refused_with_what_the_parser_says(shop: Shop) -> None:
    with pytest.raises(InvalidError, match="Syntax error"):
        shop.agree(row_filter="fact.country ==")


def test_two_workers_enter_each_fact_once(shop: Shop) -> None:
    feed = shop.agree()
    with leading(shop.databases.app) as term, closing(PostgresFeedDesk(shop.databases.app)) as other:
        assert not other.lead()
        position = other.load()  # one that was taken for dead, and knows it not
        place(shop.backend, shop.backend.customer(), product(shop.backend))
        term.step()
        assert not other.enter(position, position + 1, Written([], {}))
        late = Term(other, CelFilters())
        place(shop.backend, shop.backend.customer(), product(shop.backend))
        term.step()
        with pytest.raises(BookmarkMovedError):
            late.step()
    assert numbers(shop.told(feed)) == [1, 2]


@pytest.mark.parametrize("moment", ["before it is entered", "after it is entered"])
def test_killed_it_neither_loses_nor_doubles(shop: Shop, moment: str) -> None:
    feed = shop.agree()
    item = product(shop.backend)
    for n in range(5):
        place(shop.backend, shop.backend.customer(), item, number=str(n))
    command = [sys.executable, "-m", "tests.entering", shop.databases.app, moment]
    killed = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, check=False, timeout=60)
    assert killed.returncode == -9
    shop.enter_all()
    assert [event["data"]["number"] for event in shop.told(feed)] == ["0", "1", "2", "3", "4"]
    assert numbers(shop.told(feed)) == [1, 2, 3, 4, 5]


def test_what_a_narrower_version_hides_is_withheld_and_followed_by_a_tombstone(shop: Shop) -> None:
    feed = shop.agree(ORDERS, CUSTOMERS)
    customer_id = shop.backend.customer(name="Ana Lima", country="PT")
    place(shop.backend, customer_id, product(shop.backend), number="1")
    amend(shop.backend, feed, terms({**ORDERS, "fields": ["number"]}))
    place(shop.backend, customer_id, product(shop.backend), number="2")
    shop.enter_all()
    customer, first, tombstone, changed, second = shop.told(feed)
    assert (customer["type"], customer["data"]) == ("crm.feed.withheld.v1", {"reason": "narrowed"})
    assert first["data"] == {"number": "1"}
    assert tombstone["type"] == "crm.feed.tombstone.v1"
    assert tombstone["data"] == {"reason": "narrowed", "through": 2,
                                 "types": ["crm.customer.registered.v1", "crm.order.placed.v1"]}  # fmt: skip
    assert second["data"] == {"number": "2"}
    assert changed["data"]["removed"] == ["crm.customer.registered.v1"]
    assert changed["data"]["fields"] == {"crm.order.placed.v1": {"removed": ["lines.product_id", "lines.quantity"]}}
    assert [event["agreementversion"] for event in (first, tombstone, changed, second)] == [1, 2, 2, 2]


def test_a_wider_version_shows_more_of_what_comes_and_no_more_of_what_was(shop: Shop) -> None:
    feed = shop.agree({**ORDERS, "fields": ["number"]})
    place(shop.backend, shop.backend.customer(), product(shop.backend), number="1", country="PT")
    amend(shop.backend, feed, terms({**ORDERS, "fields": ["number", "country"]}))
    place(shop.backend, shop.backend.customer(), product(shop.backend), number="2", country="PT")
    shop.enter_all()
    first, changed, second = shop.told(feed)
    assert (first["data"], second["data"]) == ({"number": "1"}, {"number": "2", "country": "PT"})
    assert changed["type"] == "crm.feed.changed.v1"
    assert changed["data"]["fields"] == {"crm.order.placed.v1": {"added": ["country"]}}


@pytest.mark.parametrize("ending", ["agreement.revoke", "partner.remove"])
def test_of_a_feed_that_has_ended_tombstones_alone_are_told(shop: Shop, ending: str) -> None:
    feed, other = shop.agree(), agree(shop.backend, partner(shop.backend, "Vidros"))
    place(shop.backend, shop.backend.customer(), product(shop.backend))
    id_ = {"agreement_id": feed} if ending.startswith("agreement") else {"partner_id": shop.partner_id}
    shop.backend.do(ending, **id_)
    place(shop.backend, shop.backend.customer(), product(shop.backend))
    shop.enter_all()
    (tombstone,) = shop.told(feed)
    assert (tombstone["feedseq"], tombstone["data"]) == (2, {"reason": "revoked", "through": 1})
    assert shop.told(feed, after=2) == []
    assert len(shop.told(other)) == 2


def test_a_newer_release_tells_of_a_newer_form_once_before_its_first_fact(shop: Shop) -> None:
    feed = shop.agree({"type": "crm.order.cancelled.v1", "fields": ["reason"]})
    orders = [place(shop.backend, shop.backend.customer(), product(shop.backend)) for _ in range(2)]
    shop.backend.do("order.cancel", order_id=orders[0], reason="one")
    shop.enter_all()
    with newer_release() as newest:
        shop.backend.do("order.cancel", order_id=orders[1], reason="two")
        for _ in range(2):
            shop.enter_all()
        first, changed, second = shop.told(feed)
    assert [event["type"] for event in (first, changed, second)] == [newest, "crm.feed.changed.v1", newest]
    assert (changed["data"]["renewed"], first["data"], second["data"]) == (
        [newest],
        {"reason": "one"},
        {"reason": "two"},
    )
    assert numbers([first, changed, second]) == [1, 2, 3]


def test_who_is_erased_between_entry_and_delivery_is_withheld_at_once_and_a_tombstone_follows(shop: Shop) -> None:
    feed = shop.agree(ORDERS, CUSTOMERS)
    ana, rui = shop.backend.customer(name="Ana Lima"), shop.backend.customer(name="Rui")
    place(shop.backend, ana, product(shop.backend))
    shop.enter_all()
    assert [event["data"].get("name") for event in shop.told(feed)] == ["Ana Lima", "Rui", None]
    subject = shop.told(feed)[0]["subject"]
    shop.backend.do("customer.erase", customer_id=ana)
    assert [event["type"] for event in shop.told(feed)] == [
        "crm.feed.withheld.v1", "crm.customer.registered.v1", "crm.feed.withheld.v1",
    ]  # fmt: skip
    shop.enter_all()
    tombstone = shop.told(feed)[-1]
    assert tombstone["data"] == {"reason": "erased", "through": 3, "subject": subject}
    assert rui


def test_a_value_whose_key_is_gone_takes_its_event_with_it(shop: Shop) -> None:
    contacts = {"type": "crm.customer.contact_added.v1", "fields": ["name", "role"]}
    feed, customer_id, person_id = shop.agree(contacts), shop.backend.customer(), uuid7()
    shop.backend.do("customer.add_contact", customer_id=customer_id, person_id=person_id, name="Eva", role="buyer")
    shop.enter_all()
    assert shop.told(feed)[0]["data"] == {"name": "Eva", "role": "buyer"}
    shop.backend.vault.erase([person_id])
    sealed = shop.backend.ledger.load([customer_id])[-1].fact
    assert shop.backend.vault.open([getattr(sealed, "name")]) == [ERASED]  # noqa: B009 a contact has one
    assert shop.told(feed)[0]["data"] == {"reason": "erased"}


def test_a_consent_is_asked_for_when_it_is_entered_and_when_it_is_delivered(shop: Shop) -> None:
    feed, item = shop.agree(consent=CONSENT), product(shop.backend)
    ana, rui = shop.backend.customer(), shop.backend.customer()
    place(shop.backend, ana, item, number="not yet")
    shop.backend.do("customer.give_consent", customer_id=ana, **CONSENT)
    shop.backend.do("customer.give_consent", customer_id=rui, **CONSENT)
    place(shop.backend, ana, item, number="hers")
    place(shop.backend, rui, item, number="his")
    shop.enter_all()
    assert [event["data"]["number"] for event in shop.told(feed)] == ["hers", "his"]
    subject = shop.told(feed)[0]["subject"]
    shop.backend.do("customer.withdraw_consent", customer_id=ana, **CONSENT)
    assert shop.told(feed)[0]["data"] == {"reason": "consent"}
    shop.enter_all()
    tombstone = shop.told(feed)[2]
    assert tombstone["data"] == {"reason": "consent", "through": 2, "subject": subject}


def test_a_merge_may_take_a_consent_away(shop: Shop) -> None:
    feed, item = shop.agree(consent=CONSENT), product(shop.backend)
    ana, rui = shop.backend.customer(), shop.backend.customer()
    shop.backend.do("customer.give_consent", customer_id=ana, **CONSENT)
    shop.backend.do("customer.withdraw_consent", customer_id=rui, **CONSENT)
    place(shop.backend, ana, item)
    shop.backend.do("customer.merge", customer_id=rui, into_id=ana)
    shop.enter_all()
    assert [event["data"]["reason"] for event in shop.told(feed)] == ["consent", "consent"]


def test_a_feed_may_begin_with_what_was_recorded_before_and_joins_the_others(shop: Shop) -> None:
    live = shop.agree()
    item = product(shop.backend)
    for n in range(4):
        place(shop.backend, shop.backend.customer(), item, number=str(n))
    shop.enter_all()
    late = shop.agree(valid_from=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    place(shop.backend, shop.backend.customer(), item, number="4")
    with leading(shop.databases.app) as term:
        term.step()
        place(shop.backend, shop.backend.customer(), item, number="5")
    shop.enter_all()
    for feed in (live, late):
        assert [event["data"]["number"] for event in shop.told(feed)] == ["0", "1", "2", "3", "4", "5"]
        assert numbers(shop.told(feed)) == [1, 2, 3, 4, 5, 6]


def test_two_partners_know_the_same_customer_under_different_names(shop: Shop) -> None:
    ours, theirs = shop.agree(), agree(shop.backend, partner(shop.backend, "Vidros"))
    customer_id = shop.backend.customer()
    for _ in range(2):
        place(shop.backend, customer_id, product(shop.backend))
    shop.enter_all()
    subjects = [{event["subject"] for event in shop.told(feed)} for feed in (ours, theirs)]
    assert [len(one) for one in subjects] == [1, 1]
    assert subjects[0] != subjects[1]
    assert str(customer_id) not in str(shop.told(ours))


def test_a_number_that_the_feed_has_not_come_to_is_refused(shop: Shop) -> None:
    with pytest.raises(FeedPositionError):
        shop.told(shop.agree(), after=1)
    with pytest.raises(UnknownError):
        shop.told(uuid7())


def test_nobody_but_the_actor_changes_what_was_entered(shop: Shop) -> None:
    shop.agree()
    place(shop.backend, shop.backend.customer(), product(shop.backend))
    shop.enter_all()
    with psycopg.connect(shop.databases.app) as db:
        for change in ("delete from feeds.entry", "update feeds.entry set version = 2", "truncate feeds.entry"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction():
                db.execute(change.encode())
