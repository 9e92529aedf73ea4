"""What an event concerns: looked up in the ledger, and bounded by the scope in which the agreement accepts it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, assert_never, get_args
from uuid import UUID

from domain.agreement.terms import Scope
from domain.customer.facts import CustomerAmended, CustomerRegistered
from domain.errors import UnknownError
from domain.event import Event
from domain.fact import Fact
from domain.order.facts import OrderAmended, OrderPlaced, OrderShipped
from domain.product.facts import ProductAmended, ProductRegistered
from domain.territory.decider import UNKNOWN, Territory, evolve
from domain.territory.facts import TerritoryFact
from domain.ticket.facts import TicketOpened
from streams.departments import newest
from streams.feeds.delivery import people_of
from streams.feeds.people import People
from streams.feeds.reference import Reference

NO_PRODUCTS: frozenset[UUID] = frozenset()


def _stored(types: Collection[str]) -> frozenset[str]:
    """The types, and the older forms that are read as one of them."""
    return frozenset(types) | {old for old in Fact.upcasters if newest(old) in types}


_FACTS: Mapping[str, Collection[type[Fact]]] = {
    "product": (ProductRegistered, ProductAmended),
    "order": (OrderPlaced, OrderAmended, OrderShipped),
    "ticket": (TicketOpened,),
    "customer": (CustomerRegistered, CustomerAmended),
}
WANTED = {aggregate: _stored({fact.TYPE for fact in facts}) for aggregate, facts in _FACTS.items()}
"""By aggregate, the types of the facts that say what and whose something is; the first of a stream is among them."""


class Question(NamedTuple):
    """Which stream an event is about, or in which country whom it tells of is."""

    aggregate: str
    stream_id: UUID | None = None
    country: str | None = None

    def unknown(self) -> UnknownError:
        """The same for what is not there and for what is not the partner's: it cannot find out which."""
        about = {self.aggregate: self.stream_id} if self.stream_id else {"country": self.country}
        return UnknownError("nothing that this agreement lets you tell of", **about)


class Concerned(NamedTuple):
    """The stream's facts; `products` are those it is about, `own` those of them that bound what may be told."""

    facts: Sequence[Fact] = ()
    products: frozenset[UUID] = NO_PRODUCTS
    own: frozenset[UUID] = NO_PRODUCTS


class Told(Protocol):
    """What the ledger tells of streams, of persons and of territories. Raises UnavailableError."""

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        """All facts of these streams, each stream's in its order."""

    def load_of(self, stream_ids: Sequence[UUID], types: Collection[str]) -> Sequence[Event]:
        """Those of them that are of these types: a product's stream is long, and few of its facts say whose it is."""

    def told_of(self, subject_ids: Collection[UUID]) -> Sequence[Event]:
        """The subjects' facts of people.TYPES, each subject's in order."""

    def territories(self) -> Sequence[Event]:
        """Every territory's facts, in order."""


class Bounds(NamedTuple):
    """Whom a partner may tell of, when it tells."""

    partner_id: UUID
    scope: Scope
    customers: Collection[UUID]
    at: datetime


def find_concerned(question: Question, bounds: Bounds, told: Told) -> Concerned:
    """Raises UnknownError."""
    if question.stream_id is None:
        if not _is_within(bounds, lambda: question.country, told):
            raise question.unknown()
        return Concerned()
    events = told.load_of([question.stream_id], WANTED[question.aggregate])
    if not events:
        raise question.unknown()
    products = _products_of(events)
    own = _supplied(products, bounds.partner_id, told) if bounds.scope is Scope.SUPPLIER else products
    if not _allows(bounds, events[0].subject_id, own, told):
        raise question.unknown()
    return Concerned([event.fact for event in events], products, own)


def _allows(bounds: Bounds, subject_id: UUID, own: Collection[UUID], told: Told) -> bool:
    match bounds.scope:
        case Scope.ALL:
            return True
        case Scope.SUPPLIER:
            return bool(own)
        case Scope.CUSTOMERS:
            return not _people_around(subject_id, told).ids_of(subject_id).isdisjoint(bounds.customers)
        case Scope.TERRITORY:
            return _is_within(bounds, lambda: _country_of(subject_id, told), told)
        case _:
            assert_never(bounds.scope)


def _is_within(bounds: Bounds, country: Callable[[], str | None], told: Told) -> bool:
    if bounds.scope is Scope.ALL:
        return True
    territories = _fold(told.territories()).values()
    return any(one.responsible(country(), bounds.at) == bounds.partner_id for one in territories)


def _products_of(events: Sequence[Event]) -> frozenset[UUID]:
    reference = Reference()
    for event in events:
        reference.learn(event)
    return reference.products_in(events[0].stream_id, events[0].type)


def _supplied(products: Collection[UUID], partner_id: UUID, told: Told) -> frozenset[UUID]:
    reference = Reference()
    for event in told.load_of(list(products), WANTED["product"]) if products else ():
        reference.learn(event)
    return frozenset(one for one in products if reference.supplier_of(one) == partner_id)


def _people_around(subject_id: UUID, told: Told) -> People:
    return people_of([subject_id], told.told_of)


def _country_of(subject_id: UUID, told: Told) -> str | None:
    customer_id = _people_around(subject_id, told).customer_of(subject_id)
    country: str | None = None
    for event in told.load_of([customer_id], WANTED["customer"]):
        if isinstance(event.fact, CustomerRegistered | CustomerAmended):
            country = event.fact.country or country
    return country


def _fold(events: Iterable[Event]) -> Mapping[UUID, Territory]:
    territories: dict[UUID, Territory] = {}
    for event in events:
        if isinstance(fact := event.fact, get_args(TerritoryFact)):
            territories[event.stream_id] = evolve(territories.get(event.stream_id, UNKNOWN), fact)
    return territories
