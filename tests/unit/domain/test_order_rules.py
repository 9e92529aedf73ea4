"""The rules for orders."""

from __future__ import annotations

from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.customer.facts import CustomerId
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.order.commands import AmendOrder, CancelOrder, IdentifyOrderCustomer, PlaceOrder, ShipOrder
from domain.order.facts import (
    Line,
    OrderAmended,
    OrderCancelled,
    OrderCustomerIdentified,
    OrderId,
    OrderKind,
    OrderPlaced,
    OrderShipped,
)
from tests.given import given, seal

ORDER, ANA, RUI, LANTERN = OrderId(UUID(int=1)), CustomerId(UUID(int=2)), CustomerId(UUID(int=3)), UUID(int=4)
SIX = Line(product_id=LANTERN, quantity=6, amount_minor=1530, unit_price="2.55")
BACK = Line(product_id=LANTERN, quantity=-1, amount_minor=-255, unit_price="2.55")
PLACE = PlaceOrder(order_id=ORDER, customer_id=ANA, number="536365", currency="GBP", lines=(SIX,), note="ring twice")
PLACED = OrderPlaced(number="536365", kind=OrderKind.SALE, currency="GBP", lines=(SIX,), note=seal("ring twice"))
ANONYMOUS = OrderPlaced(number="1", kind=OrderKind.SALE, currency="GBP", lines=(SIX,), anonymous=True)
CANCELLED = OrderCancelled(reason="twice")
IDENTIFY, IDENTIFIED = (
    IdentifyOrderCustomer(order_id=ORDER, customer_id=ANA),
    OrderCustomerIdentified(customer_id=ANA),
)


def test_an_order_is_placed_once_with_its_note_sealed() -> None:
    given().when(PLACE).then(PLACED)
    given(PLACED).when(PLACE).then_refused(ExistsError)


def test_an_order_without_a_customer_is_anonymous() -> None:
    given().when(PlaceOrder(order_id=ORDER, number="1", currency="GBP", lines=(SIX,))).then(ANONYMOUS)


def test_an_orders_total_is_the_sum_of_its_lines() -> None:
    assert PLACED.model_copy(update={"lines": (SIX, BACK)}).total_minor == 1275


def test_amending_keeps_only_what_differs() -> None:
    amend = AmendOrder(order_id=ORDER, lines=(SIX, BACK), note="ring twice")
    amended = OrderAmended(lines=(SIX, BACK))
    given(PLACED).when(amend).then(amended)
    given(PLACED, amended).when(amend).then()
    given(PLACED).when(AmendOrder(order_id=ORDER, note="knock")).then(OrderAmended(note=seal("knock")))


def test_an_order_is_cancelled_once() -> None:
    cancel = CancelOrder(order_id=ORDER, reason="twice")
    given(PLACED).when(cancel).then(CANCELLED)
    given(PLACED, CANCELLED).when(cancel).then()


def test_a_cancelled_order_is_neither_amended_nor_shipped() -> None:
    given(PLACED, CANCELLED).when(AmendOrder(order_id=ORDER, lines=(BACK,))).then_refused(ConflictError)
    given(PLACED, CANCELLED).when(ShipOrder(order_id=ORDER)).then_refused(ConflictError)


def test_an_order_is_shipped_in_as_many_parcels_as_it_takes() -> None:
    ship = ShipOrder(order_id=ORDER, carrier="CTT", tracking="RR1")
    first, second = (OrderShipped(carrier="CTT", tracking="RR1", shipment=number) for number in ("1", "2"))
    given(PLACED).when(ship).then(first)
    given(PLACED, first).when(ship).then(second)


def test_an_anonymous_orders_customer_is_identified_once() -> None:
    given(ANONYMOUS).when(IDENTIFY).then(IDENTIFIED)
    given(ANONYMOUS, IDENTIFIED).when(IDENTIFY).then()
    other = IdentifyOrderCustomer(order_id=ORDER, customer_id=RUI)
    given(ANONYMOUS, IDENTIFIED).when(other).then_refused(ConflictError)


def test_a_customers_order_is_nobody_elses() -> None:
    given(PLACED).when(IDENTIFY).then_refused(ConflictError)


def test_nothing_happens_to_an_order_nobody_placed() -> None:
    given().when(AmendOrder(order_id=ORDER, lines=(SIX,))).then_refused(UnknownError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": ()},
        {"lines": (SIX,) * 5_001},
        {"currency": "EURO"},
        {"lines": ({"product_id": LANTERN, "quantity": 1, "amount_minor": 2.5},)},
        {"lines": ({"product_id": LANTERN, "quantity": 1, "amount_minor": 2, "unit_price": "2,55"},)},
        {"number": ""},
    ],
    ids=["no lines", "too many lines", "no currency", "a broken amount", "a price with a comma", "no number"],
)
def test_an_order_that_is_not_well_formed_is_no_order(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PlaceOrder.model_validate(dict(PLACE) | wrong)
