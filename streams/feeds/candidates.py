"""The agreements in force that a fact may belong to, found by whom it is about. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from domain.agreement.terms import Scope, Terms
from domain.event import Event
from streams.feeds.filters import RowFilter
from streams.feeds.reference import Reference


@dataclass(frozen=True, slots=True)
class InForce:
    """An agreement's version as it is kept; `row_filter` is compiled."""

    feed: UUID
    version: int
    partner_id: UUID
    terms: Terms
    row_filter: RowFilter | None


@dataclass(slots=True)
class Candidates:
    """The agreements that show facts of one type, by whom they are about."""

    of_all: list[InForce] = field(default_factory=list)
    by_supplier: dict[UUID, list[InForce]] = field(default_factory=lambda: defaultdict(list))
    by_responsible: dict[UUID, list[InForce]] = field(default_factory=lambda: defaultdict(list))
    by_customer: dict[UUID, list[InForce]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kept: InForce) -> None:
        match kept.terms.scope:
            case Scope.ALL:
                self.of_all.append(kept)
            case Scope.SUPPLIER:
                self.by_supplier[kept.partner_id].append(kept)
            case Scope.TERRITORY:
                self.by_responsible[kept.partner_id].append(kept)
            case Scope.CUSTOMERS:
                for customer_id in kept.terms.customers:
                    self.by_customer[customer_id].append(kept)

    def concerned(self, event: Event, reference: Reference) -> Iterator[tuple[InForce, tuple[UUID, ...]]]:
        """Those whom the fact is about, and the products by which it is."""
        for kept in self.of_all:
            yield kept, ()
        if self.by_supplier:
            for supplier_id, products in _suppliers(event, reference).items():
                for kept in self.by_supplier.get(supplier_id, ()):
                    yield kept, tuple(sorted(products))
        if self.by_responsible:
            for partner_id in reference.responsible(event):
                for kept in self.by_responsible.get(partner_id, ()):
                    yield kept, ()
        if self.by_customer:
            ids = reference.people.ids_of(event.subject_id)
            found = {kept.feed: kept for one in ids for kept in self.by_customer.get(one, ())}
            for kept in found.values():
                yield kept, ()


def _suppliers(event: Event, reference: Reference) -> Mapping[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for product_id in reference.products_of(event):
        if (supplier_id := reference.supplier_of(product_id)) is not None:
            found[supplier_id].append(product_id)
    return found
