"""The rows of partners and of the auditors."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.fact import Fact
from domain.money import Money
from domain.order.facts import Line, OrderAmended, OrderCancelled, OrderKind, OrderPlaced
from domain.partner.facts import PartnerAmended, PartnerKind, PartnerRegistered, PartnerRemoved
from domain.product.facts import ProductAmended, ProductPriceChanged, ProductRegistered, ProductWithdrawn
from projections.audit.timeline import timeline
from projections.partners.partners import partners
from projections.partners.product_orders import product_orders
from projections.partners.products import products
from projections.rows import RowMissingError
from tests.unit.projections.folding import AGENT, OTHER_AGENT, SUBJECT, after, event_of, fold

CHAIR, DESK = UUID(int=61), UUID(int=62)
LINES = (Line(product_id=CHAIR, quantity=2, amount_minor=500), Line(product_id=DESK, quantity=1, amount_minor=900))
PLACED = OrderPlaced(number="1", kind=OrderKind.SALE, currency="EUR", lines=LINES, country="PT")


def test_an_order_holds_its_lines_side_by_side() -> None:
    row = fold(product_orders, PLACED)
    assert (row.product_ids, row.quantities, row.amounts_minor) == ((CHAIR, DESK), (2, 1), (500, 900))


def test_an_amended_and_then_cancelled_order_holds_its_last_lines() -> None:
    row = fold(product_orders, PLACED, OrderAmended(lines=LINES[1:]), OrderAmended(), OrderCancelled())
    assert (row.product_ids, row.cancelled_at) == ((DESK,), after(3))


def test_the_lines_of_a_return_are_negative_however_they_were_recorded() -> None:
    row = fold(product_orders, PLACED.model_copy(update={"kind": OrderKind.RETURN}))
    assert (row.quantities, row.amounts_minor) == ((-2, -1), (-500, -900))


def test_an_order_without_lines_is_a_row_without_lines() -> None:
    assert fold(product_orders, PLACED.model_copy(update={"lines": ()})).product_ids == ()


def test_a_product_has_its_last_price_and_supplier() -> None:
    registered = ProductRegistered(
        name="Chair", sku="C1", price=Money(amount_minor=100, currency="EUR"), supplier_id=AGENT
    )
    dearer = ProductPriceChanged(price=Money(amount_minor=120, currency="EUR"))
    row = fold(products, registered, ProductAmended(supplier_id=OTHER_AGENT), dearer, ProductWithdrawn())
    assert (row.name, row.sku, row.supplier_id) == ("Chair", "C1", OTHER_AGENT)
    assert (row.price_minor, row.currency, row.withdrawn_at) == (120, "EUR", after(3))


def test_a_partner_keeps_what_an_amendment_leaves_out() -> None:
    registered = PartnerRegistered(name="Wood", kind=PartnerKind.SUPPLIER, country="PT")
    row = fold(partners, registered, PartnerAmended(name="Woods"), PartnerRemoved())
    assert (row.name, row.kind, row.country, row.removed_at) == ("Woods", "supplier", "PT", after(2))


@pytest.mark.parametrize("model", [product_orders, products, partners])
def test_a_fact_of_a_row_that_was_never_begun_raises_so_that_it_is_parked(model: object) -> None:
    for fact in (OrderCancelled(), ProductWithdrawn(), PartnerRemoved()):
        if type(fact) in model.facts:  # type: ignore[attr-defined]  # a read model
            with pytest.raises(RowMissingError):
                model.evolve(None, event_of(fact))  # type: ignore[attr-defined]  # a read model


def test_the_timeline_wants_every_type_that_is_registered_and_keeps_the_bytes() -> None:
    assert set(timeline.facts) >= {fact for fact in Fact.types.values() if fact.__module__.startswith("domain.")}
    row = fold(timeline, PLACED)
    assert (row.subject_id, row.subject_seq, row.type, row.data) == (SUBJECT, 1, PLACED.TYPE, PLACED.encode())
