"""The rules for orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.anonymous import OF_SUBJECT, Whose
from domain.customer.decider import present
from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.order.commands import (
    AmendOrder,
    CancelOrder,
    IdentifyOrderCustomer,
    OrderCommand,
    PlaceOrder,
    ShipOrder,
)
from domain.order.facts import (
    OrderAmended,
    OrderCancelled,
    OrderCustomerIdentified,
    OrderFact,
    OrderPlaced,
    OrderShipped,
)

DETAILS = OrderAmended.model_fields.keys()


@dataclass(frozen=True, slots=True)
class Order:
    """What the rules need to know of an order; its details are the lines and the note."""

    placed: bool = False
    details: Details = NOTHING
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
            return [fact_of(OrderShipped, command)]
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
            return order
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
    *(Registration(command, (ADDRESSED,)) for command in (AmendOrder, CancelOrder, ShipOrder)),
    Registration(IdentifyOrderCustomer, (ADDRESSED, Target(present, "customer_id"))),
)
