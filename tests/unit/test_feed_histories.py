"""Random histories: a feed is what the agreements say of the ledger, however often the actor begins anew."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import jsonschema_rs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from adapters.documents.feed import FeedDocuments
from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from domain.access.decider import access
from domain.agreement.decider import Agreement
from domain.agreement.decider import agreement as agreements
from domain.agreement.facts import AgreementActivated
from domain.agreement.terms import Scope, Terms
from domain.customer.consents import UNTOLD, Needed, Permissions, Standing, evolve, standing
from domain.customer.facts import (
    CustomerAmended,
    CustomerFact,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    PersonErased,
)
from domain.decision import fold
from domain.errors import RefusedError
from domain.event import Event, Origin
from domain.execute import Context
from domain.opportunity.facts import OpportunityAmended, OpportunityOpened
from domain.order.facts import OrderAmended, OrderPlaced, OrderShipmentDelivered, OrderShipped
from domain.partner.facts import PartnerRemoved
from domain.product.facts import ProductAmended, ProductRegistered
from domain.territory.decider import Territory
from domain.territory.decider import territory as territories
from domain.ticket.facts import TicketOpened
from projections.facts import content_of
from streams.feeds.actor import Term
from streams.feeds.delivery import people_of
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD, Delivery, Feed, disclose
from streams.feeds.filters import variables_of
from tests.company import BEGIN
from tests.histories import BEGINNINGS, COMMANDS, Cast, Choice, choices
from tests.memory_feeds import MemoryDesk
from tests.world import World

assert access  # the catalogue is loaded

FILTERS = CelFilters()
_number = st.integers(0, 7)
_numbers = (_number, _number, _number)
ORDER = ("order.place", "order.amend", "order.ship", "order.deliver_shipment")
TRADE = (*ORDER, "ticket.open", "opportunity.open", "customer.amend")
PEOPLE = ("customer.give_consent", "customer.withdraw_consent", "customer.merge", "customer.add_contact")
TERMS = ("agreement.amend", "agreement.activate", "agreement.activate", "agreement.resume")
SELDOM = ("customer.erase", "customer.erase", "partner.remove", "agreement.revoke", "agreement.suspend")
told = st.one_of(
    choices,
    *(st.tuples(st.sampled_from(TRADE), *_numbers) for _ in range(4)),
    *(st.tuples(st.sampled_from(PEOPLE), *_numbers) for _ in range(2)),
    st.tuples(st.sampled_from(TERMS), *_numbers),
    st.tuples(st.sampled_from((*TERMS, *SELDOM, *(("territory.assign_partner", "product.amend") * 4))), *_numbers),
)
drafts = st.tuples(st.tuples(*_numbers), st.tuples(*_numbers))
histories = st.lists(st.lists(told, min_size=40, max_size=90), min_size=2, max_size=4)
_examples = itertools.count(1)


def tell(world: World, cast_: Cast, choice: Choice) -> None:
    name, *numbers = choice
    origin = Origin.IMPORT if sum(numbers) % 5 == 4 else Origin.COMMAND
    at = BEGIN + timedelta(hours=7 * sum(numbers))
    with suppress(RefusedError):
        world.do(name, context=Context(uuid7(), "tester", origin=origin, occurred_at=at),
                 **COMMANDS[name](cast_, *numbers))  # fmt: skip


def begun() -> tuple[World, Cast]:
    world, cast_ = World(), Cast(next(_examples))
    for name, fields in BEGINNINGS.items():
        for n in range(2 if name != "customer.register" else 4):
            world.do(name, **fields(cast_, n))
    return world, cast_


def enter_all(desk: MemoryDesk) -> None:
    term = Term(desk, FILTERS)
    while term.step():
        pass


@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate),
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(drafts, histories)
def test_a_feed_is_what_the_agreements_say_of_the_ledger(
    agreed: Sequence[tuple[int, int, int]], parts: Sequence[Sequence[Choice]]
) -> None:
    world, cast_ = begun()
    desk = MemoryDesk(world.ledger)
    for n, (a, b, c) in enumerate(agreed):
        tell(world, cast_, ("agreement.draft", 2 * (a // 2) + n, b, c))
    for k, part in enumerate(parts):
        for choice in part:
            tell(world, cast_, choice)
            if k == 0 and choice == part[len(part) // 4]:
                for n in range(2):
                    tell(world, cast_, ("agreement.activate", n, 0, 0))
        enter_all(desk)
    for n in range(2):
        feed = cast_.agreement(n)
        entered = [(entry.position, entry.version, entry.products) for entry in desk.entries
                   if entry.feed == feed and entry.is_fact]  # fmt: skip
        assert entered == list(Oracle(world).entries(feed))
        check_told(world, desk, feed)


def check_told(world: World, desk: MemoryDesk, feed: UUID) -> None:
    """Each number once; only what is named; whatever is withheld for good is followed by a tombstone for it."""
    stream = fold(world.ledger.load([feed]), {feed: [agreements]})[feed]
    if not isinstance(stream.state, Agreement):
        return
    state, deliveries = stream.state, desk.deliveries(feed)
    row_filter = FILTERS.compile(text) if (text := state.in_force and state.terms(state.in_force).row_filter) else None
    removed = any(isinstance(event.fact, PartnerRemoved) for event in world.ledger.load([state.partner_id or feed]))
    seen = Feed(state, removed, FILTERS, row_filter, "/test", lambda id_: world.vault.derive_id("test", str(id_)))
    people = people_of((one.event.subject_id for one in deliveries), desk.told_of)
    events = disclose(deliveries, seen, people, opener(world), world.now)
    assert [event["feedseq"] for event in events] == list(range(1, len(deliveries) + 1))
    if state.in_force:
        schema = FeedDocuments(feed, state, state.in_force, "/test").schema
        fits = jsonschema_rs.validator_for(dict(schema), validate_formats=True)
        for event in events:
            fits.validate(json.loads(to_json(event)))
    activated = min(
        (one.position for one in world.ledger.load([feed]) if one.type == AgreementActivated.TYPE), default=0
    )
    for delivery, event in zip(deliveries, events, strict=True):
        if event["type"] == WITHHELD and event["data"]["reason"] == "erased" and erased_at(world, delivery) < activated:
            continue  # nobody was told
        if event["type"] == WITHHELD and event["data"]["reason"] != "consent":
            pseudonym = str(seen.pseudonym(delivery.event.subject_id))
            covering = [
                one
                for one in events[delivery.entry.feed_seq :]
                if one["type"] == TOMBSTONE and covers(one, delivery.event, pseudonym)
            ]
            assert covering, (event, delivery)
        elif event["type"] not in (WITHHELD, TOMBSTONE, CHANGED):
            shown = state.terms(delivery.entry.version).shown(delivery.event.type)
            assert shown is not None
            assert set(event["data"]) <= {path.partition(".")[0] for path in shown.fields}


def erased_at(world: World, delivery: Delivery) -> int:
    """When the last of the customers that the subject may be was erased."""
    events = world.ledger.read(0, world.ledger.last_position())
    ids = people_of([delivery.event.subject_id], lambda ids: [one for one in events if one.subject_id in ids]).ids_of(
        delivery.event.subject_id
    )
    return max(one.position for one in events if one.subject_id in ids and isinstance(one.fact, PersonErased))


def covers(tombstone: Any, event: Event, pseudonym: str) -> bool:
    data = tombstone["data"]
    return data.get("subject", pseudonym) == pseudonym and event.type in data.get("types", [event.type])


def opener(world: World) -> Callable[[Sequence[Any]], Sequence[Any]]:
    def opened(part: Any) -> Any:
        return world.vault.open([part])[0] if type(part).__name__ == "Sealed" else part

    return lambda things: [{name: opened(part) for name, part in thing.items()} for thing in things]


class Oracle:
    """What belongs to a feed, looked up in the whole ledger for each fact: slow, and without anything remembered."""

    def __init__(self, world: World) -> None:
        self._events = list(world.ledger.read(0, world.ledger.last_position()))

    def entries(self, feed: UUID) -> Iterable[tuple[int, int, tuple[UUID, ...]]]:
        for n, event in enumerate(self._events):
            self._before = self._events[: n + 1]
            version = self._version(feed)
            if version is None:
                continue
            partner_id, terms = self._agreement(feed, self._events).partner_id, self._terms(feed, version)
            products = self._theirs(event, partner_id, terms)
            if products is not None and self._applies(event, terms):
                yield event.position, version, products

    def _agreement(self, feed: UUID, events: Iterable[Event]) -> Agreement:
        found: Agreement = self._state(feed, events, agreements, Agreement())
        return found

    def _state(self, stream_id: UUID, events: Iterable[Event], decider: Any, initial: Any) -> Any:
        for event in events:
            if event.stream_id == stream_id:
                initial = decider.evolve(initial, event.fact)
        return initial

    def _terms(self, feed: UUID, version: int) -> Terms:
        return self._agreement(feed, self._events).terms(version)

    def _version(self, feed: UUID) -> int | None:
        """Of the terms that hold for the fact; what was before it was activated is told by those activated first."""
        state = self._agreement(feed, self._before)
        if any(isinstance(one.fact, PartnerRemoved) and one.stream_id == state.partner_id for one in self._before):
            return None
        if state.in_force is not None:
            return None if state.suspended or state.revoked else state.in_force
        activated = (one for one in self._events if one.stream_id == feed and isinstance(one.fact, AgreementActivated))
        if (first := next(activated, None)) is None:
            return None
        partner_id = self._agreement(feed, self._events).partner_id  # before the draft nobody knows it
        ends = (one for one in self._events if one.stream_id == partner_id and isinstance(one.fact, PartnerRemoved))
        if any(one.position < first.position for one in ends):
            return None
        version = cast("AgreementActivated", first.fact).version
        valid_from = self._terms(feed, version).valid_from
        return version if valid_from and valid_from < first.recorded_at else None

    def _applies(self, event: Event, terms: Terms) -> bool:
        if (event.origin == Origin.IMPORT and not terms.imported) or terms.shown(event.type) is None:
            return False
        if terms.valid_from and event.recorded_at < terms.valid_from:
            return False
        if terms.row_filter and FILTERS.compile(terms.row_filter).matches(FILTERS.row(variables_of(event))) is not True:
            return False
        customer_id = self._identified(event.subject_id)
        ids = {event.subject_id, customer_id, self._survivor(event.subject_id)}
        erasures = (one for one in self._before if one.subject_id in ids and isinstance(one.fact, PersonErased))
        if any(cast("PersonErased", one.fact).everyone for one in erasures):
            return False
        if terms.consent is None:
            return True
        needed = Needed(customer_id, terms.consent.channel, terms.consent.purpose)
        return standing(customer_id, needed, self._told_of, event.recorded_at) is Standing.GIVEN

    def _told_of(self, customer_id: UUID) -> Permissions:
        found = UNTOLD
        for event in self._before:
            if event.stream_id == customer_id and isinstance(event.fact, CustomerFact):
                found = evolve(found, event)
        return found

    def _theirs(self, event: Event, partner_id: UUID | None, terms: Terms) -> tuple[UUID, ...] | None:
        """The products by which it is the partner's; None when it isn't."""
        match terms.scope:
            case Scope.ALL:
                return ()
            case Scope.CUSTOMERS:
                ids = {event.subject_id, self._identified(event.subject_id), self._survivor(event.subject_id)}
                return () if ids & set(terms.customers) else None
            case Scope.TERRITORY:
                return () if partner_id in self._responsible(event) else None
            case Scope.SUPPLIER:
                return tuple(sorted(one for one in self._products(event) if self._supplier(one) == partner_id)) or None

    def _identified(self, subject_id: UUID) -> UUID:
        for event in self._before:
            if event.subject_id == subject_id and event.type.endswith(".customer_identified.v1"):
                return cast("UUID", content_of(event)["customer_id"])
        return subject_id

    def _survivor(self, subject_id: UUID) -> UUID:
        customer_id = survivor = self._identified(subject_id)
        for event in self._before:
            if event.stream_id == customer_id and isinstance(event.fact, CustomerMerged | CustomerUnmerged):
                survivor = event.fact.into_id if isinstance(event.fact, CustomerMerged) else customer_id
        return survivor

    def _responsible(self, event: Event) -> set[UUID | None]:
        survivor, country = self._survivor(event.subject_id), None
        for one in self._before:
            if one.stream_id == survivor and isinstance(one.fact, CustomerRegistered | CustomerAmended):
                country = one.fact.country or country
        ids = {one.stream_id for one in self._before if one.type == "crm.territory.formed.v1"}
        known = (self._state(one, self._before, territories, Territory()) for one in ids)
        return {found.responsible(country, event.occurred_at) for found in known} - {None}

    def _products(self, event: Event) -> set[UUID]:
        found: set[UUID] = {event.stream_id} if event.type.startswith("crm.product.") else set()
        is_shipment = isinstance(event.fact, OrderShipped | OrderShipmentDelivered)
        if is_shipment and (shipped := self._shipped(event)) is not None:
            return shipped
        for one in self._before:
            if one.stream_id != event.stream_id:
                continue
            if isinstance(one.fact, OrderPlaced | OrderAmended):
                found |= {line.product_id for line in one.fact.lines or ()}
            elif isinstance(one.fact, TicketOpened | OpportunityOpened | OpportunityAmended) and one.fact.product_id:
                found = {one.fact.product_id}
        return found

    def _shipped(self, event: Event) -> set[UUID] | None:
        """What is in the shipment that the fact is about, where that is told."""
        name = cast("OrderShipped | OrderShipmentDelivered", event.fact).shipment
        left = next(one.fact for one in self._before if one.stream_id == event.stream_id
                    and isinstance(one.fact, OrderShipped) and one.fact.shipment == name)  # fmt: skip
        return None if left.lines is None else {line.product_id for line in left.lines}

    def _supplier(self, product_id: UUID) -> UUID | None:
        found = None
        for one in self._before:
            if one.stream_id == product_id and isinstance(one.fact, ProductRegistered | ProductAmended):
                found = one.fact.supplier_id or found
        return found
