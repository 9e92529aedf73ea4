"""What is remembered of a product."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from domain.fact import Fact
from domain.money import Money

ProductId = NewType("ProductId", UUID)


class ProductRegistered(Fact):
    """`supplier_id` is a partner."""

    TYPE = "crm.product.registered.v1"
    name: str
    sku: str | None = None
    series: str | None = None
    category: str | None = None
    price: Money | None = None
    supplier_id: UUID | None = None


class ProductAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.product.amended.v1"
    name: str | None = None
    series: str | None = None
    category: str | None = None
    supplier_id: UUID | None = None


class ProductPriceChanged(Fact):
    TYPE = "crm.product.price_changed.v1"
    price: Money


class ProductWithdrawn(Fact):
    TYPE = "crm.product.withdrawn.v1"
    reason: str | None = None


ProductFact = ProductRegistered | ProductAmended | ProductPriceChanged | ProductWithdrawn
