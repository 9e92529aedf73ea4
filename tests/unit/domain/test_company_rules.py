"""The rules for what a company is made of: products, employees, teams, partners."""

from __future__ import annotations

from uuid import UUID

from domain.employee.commands import AmendEmployee, AmendTeam, EraseEmployee, FormTeam, HireEmployee, LeaveEmployee
from domain.employee.facts import (
    EmployeeAmended,
    EmployeeErased,
    EmployeeHired,
    EmployeeId,
    EmployeeLeft,
    TeamAmended,
    TeamFormed,
    TeamId,
)
from domain.errors import ConflictError, ErasedError, ExistsError, UnknownError
from domain.money import Money
from domain.partner.commands import AmendPartner, RegisterPartner, RemovePartner
from domain.partner.facts import PartnerAmended, PartnerId, PartnerKind, PartnerRegistered, PartnerRemoved
from domain.product.commands import AmendProduct, ChangeProductPrice, RegisterProduct, WithdrawProduct
from domain.product.facts import ProductAmended, ProductId, ProductPriceChanged, ProductRegistered, ProductWithdrawn
from tests.given import given, seal

LANTERN, MARIA, WEST, MAKER = (
    ProductId(UUID(int=1)),
    EmployeeId(UUID(int=2)),
    TeamId(UUID(int=3)),
    PartnerId(UUID(int=4)),
)
CHEAP, DEAR = Money(amount_minor=255, currency="GBP"), Money(amount_minor=295, currency="GBP")

PRODUCT = ProductRegistered(name="Lantern", sku="85123A", price=CHEAP)
WITHDRAWN, PRICED = ProductWithdrawn(reason="old"), ProductPriceChanged(price=DEAR)
HIRED, LEFT = EmployeeHired(name=seal("Maria"), role="seller"), EmployeeLeft()
FORMED = TeamFormed(name="West")
PARTNER, REMOVED = PartnerRegistered(name="Fábrica", kind=PartnerKind.SUPPLIER), PartnerRemoved(reason="closed")


def test_a_product_is_registered_once() -> None:
    register = RegisterProduct(product_id=LANTERN, name="Lantern", sku="85123A", price=CHEAP)
    given().when(register).then(PRODUCT)
    given(PRODUCT).when(register).then_refused(ExistsError)


def test_a_products_amendment_tells_a_new_price_as_such() -> None:
    amend = AmendProduct(product_id=LANTERN, name="Lantern", series="Garden", price=DEAR)
    given(PRODUCT).when(amend).then(ProductAmended(series="Garden"), PRICED)
    given(PRODUCT, ProductAmended(series="Garden"), PRICED).when(amend).then()


def test_a_price_changes_to_another() -> None:
    given(PRODUCT).when(ChangeProductPrice(product_id=LANTERN, price=DEAR)).then(PRICED)
    given(PRODUCT).when(ChangeProductPrice(product_id=LANTERN, price=CHEAP)).then()


def test_a_product_is_withdrawn_once_and_has_no_new_price() -> None:
    withdraw = WithdrawProduct(product_id=LANTERN, reason="old")
    given(PRODUCT).when(withdraw).then(WITHDRAWN)
    given(PRODUCT, WITHDRAWN).when(withdraw).then()
    price = ChangeProductPrice(product_id=LANTERN, price=DEAR)
    given(PRODUCT, WITHDRAWN).when(price).then_refused(ConflictError)
    given(PRODUCT, WITHDRAWN).when(AmendProduct(product_id=LANTERN, series="Old")).then(ProductAmended(series="Old"))


def test_nothing_happens_to_a_product_nobody_registered() -> None:
    given().when(WithdrawProduct(product_id=LANTERN)).then_refused(UnknownError)


def test_an_employee_is_hired_once_with_a_sealed_name() -> None:
    hire = HireEmployee(employee_id=MARIA, name="Maria", role="seller")
    given().when(hire).then(HIRED)
    given(HIRED, LEFT).when(hire).then_refused(ExistsError)


def test_an_employee_is_amended_by_what_differs_after_leaving_too() -> None:
    amend = AmendEmployee(employee_id=MARIA, name="Maria", role="manager")
    given(HIRED).when(amend).then(EmployeeAmended(role="manager"))
    given(HIRED, EmployeeAmended(role="manager"), LEFT).when(amend).then()
    given().when(amend).then_refused(UnknownError)


def test_an_employee_leaves_once() -> None:
    given(HIRED).when(LeaveEmployee(employee_id=MARIA)).then(LEFT)
    given(HIRED, LEFT).when(LeaveEmployee(employee_id=MARIA)).then()


def test_an_employee_is_erased_once_and_may_still_leave_but_nothing_new_is_told_of_them() -> None:
    erase = EraseEmployee(employee_id=MARIA)
    given().when(erase).then_refused(UnknownError)
    given(HIRED).when(erase).then(EmployeeErased())
    given(HIRED, LEFT, EmployeeErased()).when(erase).then()
    given(HIRED, EmployeeErased()).when(LeaveEmployee(employee_id=MARIA)).then(LEFT)
    for command in (AmendEmployee(employee_id=MARIA, role="manager"), HireEmployee(employee_id=MARIA)):
        given(HIRED, EmployeeErased()).when(command).then_refused(ErasedError)


def test_a_team_is_formed_once_and_amended_by_what_differs() -> None:
    form, amend = FormTeam(team_id=WEST, name="West"), AmendTeam(team_id=WEST, name="West", region="PT")
    given().when(form).then(FORMED)
    given(FORMED).when(form).then_refused(ExistsError)
    given(FORMED).when(amend).then(TeamAmended(region="PT"))
    given(FORMED, TeamAmended(region="PT")).when(amend).then()
    given().when(amend).then_refused(UnknownError)


def test_a_partner_is_registered_once_and_amended_by_what_differs() -> None:
    register = RegisterPartner(partner_id=MAKER, name="Fábrica", kind=PartnerKind.SUPPLIER)
    amend = AmendPartner(partner_id=MAKER, name="Fábrica", kind=PartnerKind.DISTRIBUTOR)
    given().when(register).then(PARTNER)
    given(PARTNER).when(register).then_refused(ExistsError)
    given(PARTNER).when(amend).then(PartnerAmended(kind=PartnerKind.DISTRIBUTOR))
    given().when(amend).then_refused(UnknownError)


def test_a_partner_is_removed_once_and_then_left_alone() -> None:
    remove = RemovePartner(partner_id=MAKER, reason="closed")
    given(PARTNER).when(remove).then(REMOVED)
    given(PARTNER, REMOVED).when(remove).then()
    given(PARTNER, REMOVED).when(AmendPartner(partner_id=MAKER, country="ES")).then_refused(ConflictError)
