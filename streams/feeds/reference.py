"""What facts concern besides their subject: products and their suppliers, countries and whose territory they are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import cast, get_args
from uuid import UUID

from domain.customer.facts import CustomerAmended, CustomerRegistered
from domain.event import Event
from domain.opportunity.facts import OpportunityAmended, OpportunityOpened
from domain.order.facts import (
    OrderAmended,
    OrderPlaced,
    OrderShipmentDelivered,
    OrderShipmentFailed,
    OrderShipmentReturned,
    OrderShipped,
)
from domain.product.facts import ProductAmended, ProductRegistered
from domain.territory.decider import UNKNOWN, Territory, evolve
from domain.territory.facts import TerritoryFact
from domain.ticket.facts import TicketOpened
from streams.feeds import people
from streams.feeds.people import NOBODY, People

Supplied = ProductRegistered | ProductAmended
Placed = OrderPlaced | OrderAmended
Shipped = OrderShipped | OrderShipmentDelivered | OrderShipmentFailed | OrderShipmentReturned
About = TicketOpened | OpportunityOpened | OpportunityAmended
Living = CustomerRegistered | CustomerAmended

_TERRITORIES = frozenset(fact.TYPE for fact in get_args(TerritoryFact))
_OTHERS = frozenset(fact.TYPE for kinds in (Supplied, Placed, About, Living) for fact in get_args(kinds))
_SHIPMENTS = frozenset(fact.TYPE for fact in get_args(Shipped))
TYPES = people.TYPES | _TERRITORIES | _OTHERS | {OrderShipped.TYPE}
OF_PRODUCTS = ("crm.product.",)


class Reference:
    """What the facts of TYPES have told so far."""

    def __init__(self) -> None:
        self.people = People()
        self._supplier_of: dict[UUID, UUID] = {}
        self._products_of: dict[UUID, frozenset[UUID]] = {}  # by order, ticket or opportunity
        self._shipped: dict[tuple[UUID, str], frozenset[UUID]] = {}  # by order and shipment, where it is told
        self._country_of: dict[UUID, str] = {}
        self._territories: dict[UUID, Territory] = {}

    def learn(self, event: Event) -> None:
        if event.type in people.TYPES:
            self.people.learn(event)
        elif event.type in _TERRITORIES:
            before = self._territories.get(event.stream_id, UNKNOWN)
            self._territories[event.stream_id] = evolve(before, event.fact)  # type: ignore[arg-type]  # the type says so
        elif event.type in TYPES:
            self._learn_other(event)

    def products_of(self, event: Event) -> frozenset[UUID]:
        """Those that the fact is about: a shipment's, or its stream's; an order's, before it was amended too."""
        if event.type in _SHIPMENTS and (shipped := self._shipped.get(_shipment_of(event))) is not None:
            return shipped
        return self.products_in(event.stream_id, event.type)

    def products_in(self, stream_id: UUID, type_: str) -> frozenset[UUID]:
        """Those that all of a stream is about, by the type of one of its facts."""
        if type_.startswith(OF_PRODUCTS):
            return frozenset({stream_id})
        return self._products_of.get(stream_id, NOBODY)

    def supplier_of(self, product_id: UUID) -> UUID | None:
        return self._supplier_of.get(product_id)

    def responsible(self, event: Event) -> Collection[UUID]:
        """The partners in whose territory the fact's customer was when it occurred."""
        country = self._country_of.get(self.people.customer_of(event.subject_id))
        return () if country is None else self._partners_in(country, event.occurred_at)

    def _partners_in(self, country: str, at: datetime) -> Collection[UUID]:
        found = (territory.responsible(country, at) for territory in self._territories.values())
        return {partner_id for partner_id in found if partner_id is not None}

    def _learn_other(self, event: Event) -> None:
        match event.fact:
            case (
                ProductRegistered(supplier_id=UUID() as supplier_id) | ProductAmended(supplier_id=UUID() as supplier_id)
            ):
                self._supplier_of[event.stream_id] = supplier_id
            case OrderPlaced(lines=lines):
                self._products_of[event.stream_id] = frozenset(line.product_id for line in lines)
            case OrderAmended(lines=tuple() as lines):
                # who supplied a line that is gone must hear of it, and of what comes after it
                before = self._products_of.get(event.stream_id, NOBODY)
                self._products_of[event.stream_id] = before | {line.product_id for line in lines}
            case OrderShipped(lines=tuple() as lines):
                shipped = frozenset(line.product_id for line in lines)
                ordered = self._products_of.get(event.stream_id, NOBODY)
                self._shipped[_shipment_of(event)] = ordered if shipped == ordered else shipped  # one set of both
            case TicketOpened(product_id=UUID() as product_id) | OpportunityOpened(product_id=UUID() as product_id):
                self._products_of[event.stream_id] = frozenset({product_id})
            case OpportunityAmended(product_id=UUID() as product_id):
                self._products_of[event.stream_id] = frozenset({product_id})
            case CustomerRegistered(country=str() as country) | CustomerAmended(country=str() as country):
                self._country_of[event.subject_id] = country
            case _:
                pass


def _shipment_of(event: Event) -> tuple[UUID, str]:
    """Its order, and its name there; those of earlier releases have none, nor is it told what is in them."""
    return event.stream_id, cast("Shipped", event.fact).shipment or ""
