"""Products: what is sold, by whom it is supplied, and for how much."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.product.facts import (
    ProductAmended,
    ProductPriceChanged,
    ProductRegistered,
    ProductWithdrawn,
)
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun, in_columns


class Product(NamedTuple):
    """`supplier_id` is a partner."""

    product_id: UUID
    name: str
    sku: str | None = None
    series: str | None = None
    category: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    supplier_id: UUID | None = None
    withdrawn_at: datetime | None = None


DETAILS = tuple(ProductAmended.model_fields)
ToldFact = ProductRegistered | ProductAmended | ProductPriceChanged | ProductWithdrawn


def evolve(row: Product | None, event: Event) -> Product:
    fact = cast("ToldFact", event.fact)
    match fact:
        case ProductRegistered():
            return _with_price(amend(Product(event.stream_id, fact.name), fact, (*DETAILS, "sku")), fact)
        case ProductAmended():
            return amend(begun(row, event), fact, DETAILS)
        case ProductPriceChanged():
            return _with_price(begun(row, event), fact)
        case ProductWithdrawn():
            return begun(row, event)._replace(withdrawn_at=event.occurred_at)
        case _:
            assert_never(fact)


def _with_price(row: Product, fact: ProductRegistered | ProductPriceChanged) -> Product:
    price_minor, currency = in_columns(fact.price)
    return row._replace(price_minor=price_minor, currency=currency)


products = ReadModel(
    name="products",
    version=1,
    row=Product,
    key=1,
    facts=get_args(ToldFact),
    keys=by_stream,
    evolve=evolve,
)
