"""The rules for what leaves for an order, and what becomes of it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.order.commands import DeliverShipment, FailShipment, ReturnShipment, ShipOrder
from domain.order.facts import (
    Line,
    OrderAmended,
    OrderCancelled,
    OrderId,
    OrderKind,
    OrderPlaced,
    OrderShipmentDelivered,
    OrderShipmentFailed,
    OrderShipmentReturned,
    OrderShipped,
    ShippedLine,
)
from domain.order.shipments import next_number
from domain.partner.decider import active
from domain.partner.facts import PartnerKind, PartnerRegistered, PartnerRemoved
from tests.given import given

ORDER, LANTERN, LAMP, CARRIER = OrderId(UUID(int=1)), UUID(int=4), UUID(int=5), UUID(int=6)
SIX = Line(product_id=LANTERN, quantity=6, amount_minor=1530)
PLACED = OrderPlaced(number="536365", kind=OrderKind.SALE, currency="GBP", lines=(SIX,))
FOUR = ShippedLine(product_id=LANTERN, quantity=4)
SENT = OrderShipped(shipment="A")
SENT_BEFORE_SHIPMENTS_HAD_NAMES = OrderShipped(carrier="CTT", tracking="RR1")

DELIVER, DELIVERED = DeliverShipment(order_id=ORDER, shipment="A"), OrderShipmentDelivered(shipment="A")
FAIL = FailShipment(order_id=ORDER, shipment="A", reason="nobody in")
FAILED = OrderShipmentFailed(shipment="A", reason="nobody in")
RETURN, RETURNED = ReturnShipment(order_id=ORDER, shipment="A"), OrderShipmentReturned(shipment="A")


def test_a_part_of_an_order_leaves_under_a_name_and_with_what_is_in_it() -> None:
    ship = ShipOrder(order_id=ORDER, shipment="A", lines=(FOUR,), expected_on=date(2026, 3, 9), partner_id=CARRIER)
    left = OrderShipped(shipment="A", lines=(FOUR,), expected_on=date(2026, 3, 9), partner_id=CARRIER)
    given(PLACED).when(ship).then(left)
    given(PLACED, left).when(ship).then_refused(ExistsError)


def test_only_what_was_ordered_can_be_in_a_shipment() -> None:
    ship = ShipOrder(order_id=ORDER, lines=(ShippedLine(product_id=LAMP, quantity=1),))
    given(PLACED).when(ship).then_refused(InvalidError, match="no line of this product")
    more = (SIX, Line(product_id=LAMP, quantity=1, amount_minor=1))
    given(PLACED, OrderAmended(lines=more)).when(ship).then(OrderShipped(shipment="1", lines=ship.lines))


def test_a_shipment_without_a_name_takes_the_next_number_that_is_free() -> None:
    ship = ShipOrder(order_id=ORDER)
    given(PLACED, SENT_BEFORE_SHIPMENTS_HAD_NAMES).when(ship).then(OrderShipped(shipment="2"))
    given(PLACED, OrderShipped(shipment="2")).when(ship).then(OrderShipped(shipment="3"))
    assert [next_number(known) for known in ([], ["1"], ["2"], ["A", "3"])] == ["1", "2", "3", "4"]


def test_what_left_before_shipments_had_names_is_followed_by_its_number() -> None:
    deliver = DeliverShipment(order_id=ORDER, shipment="1")
    given(PLACED, SENT_BEFORE_SHIPMENTS_HAD_NAMES).when(deliver).then(OrderShipmentDelivered(shipment="1"))


def test_a_shipment_arrives_once() -> None:
    given(PLACED, SENT).when(DELIVER).then(DELIVERED)
    given(PLACED, SENT, DELIVERED).when(DELIVER).then()
    given(PLACED, SENT, DELIVERED).when(FAIL).then_refused(ConflictError)


def test_each_failed_attempt_is_told_and_the_next_may_succeed() -> None:
    given(PLACED, SENT).when(FAIL).then(FAILED)
    given(PLACED, SENT, FAILED).when(FAIL).then(FAILED)
    given(PLACED, SENT, FAILED).when(DELIVER).then(DELIVERED)


def test_a_shipment_comes_back_delivered_or_not_and_that_is_its_end() -> None:
    for before in ((), (FAILED,), (DELIVERED,)):
        given(PLACED, SENT, *before).when(RETURN).then(RETURNED)
    given(PLACED, SENT, RETURNED).when(RETURN).then()
    for command in (DELIVER, FAIL):
        given(PLACED, SENT, RETURNED).when(command).then_refused(ConflictError)


def test_a_cancelled_order_sends_nothing_more_but_what_left_arrives() -> None:
    given(PLACED, SENT, OrderCancelled()).when(ShipOrder(order_id=ORDER)).then_refused(ConflictError)
    given(PLACED, SENT, OrderCancelled()).when(DELIVER).then(DELIVERED)


def test_nothing_becomes_of_a_shipment_that_never_left() -> None:
    given(PLACED, OrderShipped(shipment="B")).when(DELIVER).then_refused(UnknownError)
    given().when(DELIVER).then_refused(UnknownError)


def test_who_sends_for_us_is_a_partner_of_ours() -> None:
    ship, known = ShipOrder(order_id=ORDER, partner_id=CARRIER), PartnerRegistered(name="C", kind=PartnerKind.SUPPLIER)
    given(known, decider=active).when(ship).then()
    given(decider=active).when(ship).then_refused(UnknownError)
    given(known, PartnerRemoved(), decider=active).when(ship).then_refused(ConflictError)


def test_a_shipment_has_at_least_one_of_a_product() -> None:
    with pytest.raises(ValidationError):
        ShippedLine(product_id=LANTERN, quantity=0)
    with pytest.raises(ValidationError):
        ShipOrder(order_id=ORDER, lines=())
