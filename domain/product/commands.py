"""What can be ordered about a product."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.decider import Command
from domain.money import Money
from domain.product.facts import Level, ProductId, Quantity
from domain.text import Label


class ForProduct(Command):
    product_id: ProductId


class ProductDetails(ForProduct):
    """The fields that registering and amending share."""

    series: Label | None = None
    category: Label | None = None
    price: Money | None = None
    supplier_id: UUID | None = None


class RegisterProduct(ProductDetails):
    """A product or service that the company sells; `supplier_id` is a partner."""

    NAME = "product.register"
    name: Label
    sku: Label | None = None


class AmendProduct(ProductDetails):
    """Changes the fields that are given; another `price` is recorded as a change of price."""

    NAME = "product.amend"
    name: Label | None = None


class ChangeProductPrice(ForProduct):
    """Gives the product another price."""

    NAME = "product.change_price"
    price: Money


class ReportProductAvailability(ForProduct):
    """Says how much there is now, at us or at a partner; `expected_on` is when there will be more."""

    NAME = "product.report_availability"
    level: Level
    quantity: Quantity | None = None
    expected_on: date | None = None
    partner_id: UUID | None = None


class WithdrawProduct(ForProduct):
    """The product is sold no more."""

    NAME = "product.withdraw"
    reason: Label | None = None


ProductCommand = RegisterProduct | AmendProduct | ChangeProductPrice | ReportProductAvailability | WithdrawProduct
