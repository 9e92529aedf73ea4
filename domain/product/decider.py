"""The rules for products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.product.commands import (
    AmendProduct,
    ChangeProductPrice,
    ProductCommand,
    RegisterProduct,
    WithdrawProduct,
)
from domain.product.facts import ProductAmended, ProductFact, ProductPriceChanged, ProductRegistered, ProductWithdrawn

DETAILS = (*ProductAmended.model_fields, "price")


@dataclass(frozen=True, slots=True)
class Product:
    """What the rules need to know of a product."""

    registered: bool = False
    details: Details = NOTHING
    withdrawn: bool = False


UNKNOWN = Product()


def decide(command: ProductCommand, product: Product) -> Sequence[ProductFact]:
    if isinstance(command, RegisterProduct):
        if product.registered:
            raise ExistsError(product=command.product_id)
        return [fact_of(ProductRegistered, command)]
    if not product.registered:
        raise UnknownError(product=command.product_id)
    match command:
        case AmendProduct():
            return [*changes(ProductAmended, command, product.details), *_change_price(command, product)]
        case ChangeProductPrice():
            return _change_price(command, product)
        case WithdrawProduct(reason=reason):
            return [] if product.withdrawn else [ProductWithdrawn(reason=reason)]
        case _:
            assert_never(command)


def _change_price(command: AmendProduct | ChangeProductPrice, product: Product) -> Sequence[ProductFact]:
    changed = changes(ProductPriceChanged, command, product.details)
    if changed and product.withdrawn:
        raise ConflictError("the product was withdrawn; it has no new price")
    return changed


def evolve(product: Product, fact: ProductFact) -> Product:
    match fact:
        case ProductRegistered():
            return Product(registered=True, details=learn(NOTHING, fact, DETAILS))
        case ProductAmended() | ProductPriceChanged():
            return replace(product, details=learn(product.details, fact, DETAILS))
        case ProductWithdrawn():
            return replace(product, withdrawn=True)
        case _:
            assert_never(fact)


product = Decider("product", UNKNOWN, decide, evolve)

ADDRESSED = (Target(product, "product_id"),)
REGISTRATIONS = (
    Registration(RegisterProduct, ADDRESSED, amended_by=AmendProduct),
    *(Registration(command, ADDRESSED) for command in (AmendProduct, ChangeProductPrice, WithdrawProduct)),
)
