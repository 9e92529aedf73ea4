"""A feed tells of another version of its agreement, and of a newer form of its facts, before the first of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from domain.agreement.decider import agreement as agreements
from domain.agreement.terms import Terms
from domain.decision import fold
from streams.feeds.actor import Term
from streams.feeds.changes import difference, renewed
from streams.feeds.disclosing import CHANGED, Feed, disclose
from streams.feeds.people import People
from tests.memory_feeds import MemoryDesk
from tests.renewing import newer_release
from tests.world import ONE_LINE, World

ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.quantity"]}
CANCELLED = {"type": "crm.order.cancelled.v1", "fields": ["reason"]}
FILTERS = CelFilters()


def terms(*shows: dict[str, Any], **more: Any) -> Terms:
    return Terms.model_validate({"purpose": "to deliver", "scope": "all", "shows": list(shows), **more})


def test_a_difference_names_types_fields_masks_and_other_terms() -> None:
    before = terms(ORDERS, CANCELLED)
    after = terms({**ORDERS, "fields": ["number", "country"], "masks": {"number": "first_letter"}}, row_filter="true")
    assert difference(before, after) == {
        "removed": ["crm.order.cancelled.v1"],
        "fields": {"crm.order.placed.v1": {"added": ["country"], "removed": ["lines.quantity"],
                                           "masks": {"number": "first_letter"}}},
        "terms": ["row_filter"],
    }  # fmt: skip
    assert difference(after, before)["added"] == ["crm.order.cancelled.v1"]
    assert difference(after, before)["fields"]["crm.order.placed.v1"]["masks"] == {"number": "plain"}
    assert difference(before, before) == {}


@pytest.fixture
def world() -> World:
    return World()


class Agreed:
    """An agreement of a partner, its feed, and what the feed tells."""

    def __init__(self, world: World) -> None:
        self.world, self.desk = world, MemoryDesk(world.ledger)
        self.partner_id, self.feed = uuid7(), uuid7()
        world.do("partner.register", partner_id=self.partner_id, name="Olaria", kind="supplier")

    def hold(self, terms: Terms) -> None:
        known = self.world.ledger.load([self.feed])
        name, more = ("agreement.amend", {}) if known else ("agreement.draft", {"partner_id": self.partner_id})
        self.world.do(name, agreement_id=self.feed, terms=terms.model_dump(mode="json"), **more)
        self.world.do("agreement.activate", agreement_id=self.feed)

    def order(self) -> UUID:
        order_id = uuid7()
        customer_id = self.world.customer()
        self.world.do("order.place", order_id=order_id, customer_id=customer_id, kind="sale", **ONE_LINE)
        return order_id

    def told(self) -> list[Any]:
        """By an actor that begins anew."""
        term = Term(self.desk, FILTERS)
        while term.step():
            pass
        state = fold(self.world.ledger.load([self.feed]), {self.feed: [agreements]})[self.feed].state
        seen = Feed(state, has_ended=False, filters=FILTERS, row_filter=None, source="/test", pseudonym=lambda id_: id_)
        deliveries = self.desk.deliveries(self.feed)
        return list(disclose(deliveries, seen, People(), list, self.world.now))


def test_before_the_first_fact_under_another_version_the_feed_says_what_differs(world: World) -> None:
    agreed = Agreed(world)
    agreed.hold(terms(CANCELLED))
    agreed.hold(terms(CANCELLED, ORDERS))
    agreed.order()
    changed, order = agreed.told()
    assert (changed["type"], changed["feedseq"], changed["agreementversion"]) == (CHANGED, 1, 2)
    assert changed["data"] == {
        "version": 2, "before": 1, "added": ["crm.order.placed.v1"],
        "documents": ["asyncapi.json?version=2", "openapi.json?version=2", "schemas.json?version=2"],
    }  # fmt: skip
    assert order["type"] == "crm.order.placed.v1"


def test_nobody_is_told_of_the_first_version(world: World) -> None:
    agreed = Agreed(world)
    agreed.hold(terms(ORDERS))
    agreed.order()
    assert [event["type"] for event in agreed.told()] == ["crm.order.placed.v1"]


def test_a_newer_form_of_a_type_is_told_once_and_its_facts_come_on(world: World) -> None:
    agreed = Agreed(world)
    agreed.hold(terms(CANCELLED))
    world.do("order.cancel", order_id=agreed.order(), reason="too late")
    assert [event["type"] for event in agreed.told()] == ["crm.order.cancelled.v1"]
    late = agreed.order()
    with newer_release() as newest:
        world.do("order.cancel", order_id=late, reason="again")
        agreed.told()
        first, changed, second = agreed.told()
        assert [first["type"], changed["type"], second["type"]] == [newest, CHANGED, newest]
        assert (changed["data"]["renewed"], changed["data"]["version"], changed["data"]["before"]) == ([newest], 1, 1)
        assert second["data"] == {"reason": "again"}
        assert renewed(terms(CANCELLED)).shows[0].type == newest
