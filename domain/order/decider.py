"""The rules for orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never, cast

from domain.anonymous import OF_SUBJECT, Whose
from domain.customer.decider import present
from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.order.commands import (
    AmendOrder,
    CancelOrder,
    DeliverShipment,
    FailShipment,
    IdentifyOrderCustomer,
    OrderCommand,
    PlaceOrder,
    ReturnShipment,
    ShipmentStep,
    ShipOrder,
)
from domain.order.facts import (
    Line,
    OrderAmended,
    OrderCancelled,
    OrderCustomerIdentified,
    OrderFact,
    OrderPlaced,
    OrderShipmentDelivered,
    OrderShipmentFailed,
    OrderShipmentReturned,
    OrderShipped,
)
from domain.order.shipments import FINAL, STATUS_AFTER, Followed, ShipmentStatus, name_of, next_number
from domain.partner.decider import active

DETAILS = OrderAmended.model_fields.keys()


@dataclass(frozen=True, slots=True)
class Order:
    """What the rules need to know of an order; its details are the lines and the note; shipments have names."""

    placed: bool = False
    details: Details = NOTHING
    shipments: tuple[tuple[str, ShipmentStatus], ...] = ()
    cancelled: bool = False
    whose: Whose = OF_SUBJECT


UNKNOWN = Order()


def decide(command: OrderCommand, order: Order) -> Sequence[OrderFact]:
    if isinstance(command, PlaceOrder):
        if order.placed:
            raise ExistsError(order=command.order_id)
        return [fact_of(OrderPlaced, command, anonymous=command.customer_id is None)]
    if not order.placed:
        raise UnknownError(order=command.order_id)
    match command:
        case AmendOrder():
            _require_standing(order)
            return changes(OrderAmended, command, order.details)
        case ShipOrder():
            _require_standing(order)
            return _ship(command, order)
        case DeliverShipment() | FailShipment() | ReturnShipment():
            return _follow(command, order)
        case CancelOrder(reason=reason):
            return [] if order.cancelled else [OrderCancelled(reason=reason)]
        case IdentifyOrderCustomer(customer_id=customer_id):
            news = order.whose.would_learn(customer_id)
            return [OrderCustomerIdentified(customer_id=customer_id)] if news else []
        case _:
            assert_never(command)


def _require_standing(order: Order) -> None:
    if order.cancelled:
        raise ConflictError("the order was cancelled; place another")


def _ship(command: ShipOrder, order: Order) -> Sequence[OrderFact]:
    known, ordered = dict(order.shipments), cast("Sequence[Line]", dict(order.details)["lines"])
    if command.shipment in known:
        raise ExistsError("the order has a shipment of this name; give this one another", shipment=command.shipment)
    products = {line.product_id for line in ordered} if command.lines else set()
    for line in command.lines or ():
        if line.product_id not in products:
            raise InvalidError("the order has no line of this product", product_id=line.product_id)
    return [fact_of(OrderShipped, command, shipment=command.shipment or next_number(known))]


def _follow(command: ShipmentStep, order: Order) -> Sequence[OrderFact]:
    """What is told twice is told once, but of each failed attempt; a cancelled order's shipments go on."""
    fact, status = _followed(command), dict(order.shipments).get(command.shipment)
    if status is None:
        raise UnknownError(shipment=command.shipment)
    if status in FINAL[type(fact)]:
        raise ConflictError("the shipment is there, or back", shipment=command.shipment, status=status)
    is_told = status is STATUS_AFTER[type(fact)] and not isinstance(fact, OrderShipmentFailed)
    return [] if is_told else [fact]


def _followed(command: ShipmentStep) -> Followed:
    match command:
        case DeliverShipment():
            return fact_of(OrderShipmentDelivered, command)
        case FailShipment():
            return fact_of(OrderShipmentFailed, command)
        case ReturnShipment():
            return fact_of(OrderShipmentReturned, command)
        case _:
            assert_never(command)


def evolve(order: Order, fact: OrderFact) -> Order:
    match fact:
        case OrderPlaced(anonymous=anonymous):
            whose = Whose(anonymous=True) if anonymous else OF_SUBJECT
            return Order(placed=True, details=_learn(order, fact), whose=whose)
        case OrderAmended():
            return replace(order, details=_learn(order, fact))
        case OrderCancelled():
            return replace(order, cancelled=True)
        case OrderShipped():
            name = name_of(fact, dict(order.shipments))
            return replace(order, shipments=(*order.shipments, (name, ShipmentStatus.UNDER_WAY)))
        case OrderShipmentDelivered() | OrderShipmentFailed() | OrderShipmentReturned():
            shipments = dict(order.shipments) | {fact.shipment: STATUS_AFTER[type(fact)]}
            return replace(order, shipments=tuple(shipments.items()))
        case OrderCustomerIdentified(customer_id=customer_id):
            return replace(order, whose=Whose(order.whose.anonymous, customer_id))
        case _:
            assert_never(fact)


def _learn(order: Order, fact: OrderFact) -> Details:
    return learn(order.details, fact, DETAILS)


order = Decider("order", UNKNOWN, decide, evolve, subject="customer_id")

ADDRESSED = Target(order, "order_id")
REGISTRATIONS = (
    Registration(PlaceOrder, (ADDRESSED, Target(present, "customer_id")), amended_by=AmendOrder),
    *(Registration(command, (ADDRESSED,)) for command in (AmendOrder, CancelOrder)),
    Registration(ShipOrder, (ADDRESSED, Target(active, "partner_id"))),
    *(Registration(command, (ADDRESSED,)) for command in (DeliverShipment, FailShipment, ReturnShipment)),
    Registration(IdentifyOrderCustomer, (ADDRESSED, Target(present, "customer_id"))),
)
