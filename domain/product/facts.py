"""What is remembered of a product."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

from pydantic import Field

from domain.fact import Fact
from domain.money import Money

ProductId = NewType("ProductId", UUID)
Quantity = Annotated[int, Field(ge=0, le=10**9)]


class Level(StrEnum):
    """How available a product is; `on_order` is not there, and on its way."""

    IN_STOCK = "in_stock"
    LOW = "low"
    OUT_OF_STOCK = "out_of_stock"
    ON_ORDER = "on_order"


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


class ProductAvailabilityReported(Fact):
    """How much there is, at us or, with `partner_id`, at a partner; `expected_on` is when there will be more."""

    TYPE = "crm.product.availability_reported.v1"
    level: Level
    quantity: Quantity | None = None
    expected_on: date | None = None
    partner_id: UUID | None = None


class ProductWithdrawn(Fact):
    TYPE = "crm.product.withdrawn.v1"
    reason: str | None = None


ProductFact = ProductRegistered | ProductAmended | ProductPriceChanged | ProductAvailabilityReported | ProductWithdrawn
