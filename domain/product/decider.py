"""The rules for products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.partner.decider import active
from domain.product.commands import (
    AmendProduct,
    ChangeProductPrice,
    ProductCommand,
    RegisterProduct,
    ReportProductAvailability,
    WithdrawProduct,
)
from domain.product.facts import (
    Level,
    ProductAmended,
    ProductAvailabilityReported,
    ProductFact,
    ProductPriceChanged,
    ProductRegistered,
    ProductWithdrawn,
)

DETAILS = (*ProductAmended.model_fields, "price")


@dataclass(frozen=True, slots=True)
class Product:
    """What the rules need to know of a product; `reports` are each holder's last, under None ours."""

    registered: bool = False
    details: Details = NOTHING
    reports: tuple[tuple[UUID | None, ProductAvailabilityReported], ...] = ()
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
        case ReportProductAvailability():
            return _report(command, product)
        case WithdrawProduct(reason=reason):
            return [] if product.withdrawn else [ProductWithdrawn(reason=reason)]
        case _:
            assert_never(command)


def _change_price(command: AmendProduct | ChangeProductPrice, product: Product) -> Sequence[ProductFact]:
    changed = changes(ProductPriceChanged, command, product.details)
    if changed and product.withdrawn:
        raise ConflictError("the product was withdrawn; it has no new price")
    return changed


def _report(command: ReportProductAvailability, product: Product) -> Sequence[ProductFact]:
    if command.quantity is not None and (command.quantity == 0) is (command.level in (Level.IN_STOCK, Level.LOW)):
        raise InvalidError("the level and the quantity do not fit", level=command.level, quantity=command.quantity)
    if product.withdrawn:
        raise ConflictError("the product was withdrawn; nobody asks how much there is")
    reported = fact_of(ProductAvailabilityReported, command)
    return [] if dict(product.reports).get(command.partner_id) == reported else [reported]


def evolve(product: Product, fact: ProductFact) -> Product:
    match fact:
        case ProductRegistered():
            return Product(registered=True, details=learn(NOTHING, fact, DETAILS))
        case ProductAmended() | ProductPriceChanged():
            return replace(product, details=learn(product.details, fact, DETAILS))
        case ProductAvailabilityReported(partner_id=partner_id):
            return replace(product, reports=tuple((dict(product.reports) | {partner_id: fact}).items()))
        case ProductWithdrawn():
            return replace(product, withdrawn=True)
        case _:
            assert_never(fact)


product = Decider("product", UNKNOWN, decide, evolve)

ADDRESSED = (Target(product, "product_id"),)
HELD = Target(active, "partner_id")
REGISTRATIONS = (
    Registration(RegisterProduct, ADDRESSED, amended_by=AmendProduct),
    *(Registration(command, ADDRESSED) for command in (AmendProduct, ChangeProductPrice, WithdrawProduct)),
    Registration(ReportProductAvailability, (*ADDRESSED, HELD)),
)
