"""A shipment that a partner sent: it left, arrived, could not be delivered, or came back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from domain.decider import Command
from domain.errors import InvalidError, UnknownError
from domain.order.commands import DeliverShipment, FailShipment, ReturnShipment, ShipOrder, ShippedLines
from domain.order.facts import OrderId, OrderShipped, ShippedLine
from domain.order.shipments import name_of
from domain.text import Label
from streams.inbound.concerning import Concerned, Question
from streams.inbound.kind import EXAMPLE_ID, EventData, Inbound, Sender


class Step(StrEnum):
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNED = "returned"


class Shipment(EventData):
    """`order_id` is the `stream` under which the feed shows the order; `shipment` a name that no other of it has.

    With `shipped` come carrier, tracking, lines and the day it is expected on; with `failed` and `returned` a reason.
    """

    order_id: UUID
    shipment: Label
    status: Step = Step.SHIPPED
    carrier: Label | None = None
    tracking: Label | None = None
    lines: ShippedLines | None = None
    expected_on: date | None = None
    reason: Label | None = None


OF_SHIPPED = ("carrier", "tracking", "lines", "expected_on")


def ask(data: Shipment) -> Question:
    return Question("order", data.order_id)


def order(data: Shipment, concerned: Concerned, sender: Sender) -> Iterator[Command]:
    _require_fitting(data)
    order_id, shipment = OrderId(data.order_id), data.shipment
    match data.status:
        case Step.SHIPPED:
            yield _ship(data, concerned, sender)
        case Step.DELIVERED:
            _require_sent(data, concerned, sender)
            yield DeliverShipment(order_id=order_id, shipment=shipment)
        case Step.FAILED:
            _require_sent(data, concerned, sender)
            yield FailShipment(order_id=order_id, shipment=shipment, reason=data.reason)
        case Step.RETURNED:
            _require_sent(data, concerned, sender)
            yield ReturnShipment(order_id=order_id, shipment=shipment, reason=data.reason)
        case _:
            assert_never(data.status)


def _ship(data: Shipment, concerned: Concerned, sender: Sender) -> ShipOrder:
    _require_own(data, concerned)
    left = data.model_dump(include={"order_id", "shipment", *OF_SHIPPED})
    return ShipOrder.model_validate({**left, "partner_id": sender.partner_id})


def _require_fitting(data: Shipment) -> None:
    """What the status has no place for would be lost."""
    fitting: tuple[str, ...] = {Step.SHIPPED: OF_SHIPPED, Step.DELIVERED: ()}.get(data.status, ("reason",))
    given = [name for name in (*OF_SHIPPED, "reason") if getattr(data, name) is not None]
    if strangers := [name for name in given if name not in fitting]:
        raise InvalidError("these fields do not go with the status", status=data.status.value, fields=strangers)


def _require_own(data: Shipment, concerned: Concerned) -> None:
    """Of an order with products of others too, a partner says which it sent, and they are its own."""
    if data.lines is None:
        if concerned.own != concerned.products:
            raise InvalidError("the order has products of others too; name the lines that were sent")
        return
    for line in data.lines:
        if line.product_id not in concerned.own:
            raise UnknownError("the order has no line of such a product of yours", product_id=line.product_id)


def _require_sent(data: Shipment, concerned: Concerned, sender: Sender) -> None:
    if sender.partner_id != _senders(concerned).get(data.shipment):
        raise UnknownError("you sent no shipment of this name", shipment=data.shipment)


def _senders(concerned: Concerned) -> dict[str, UUID | None]:
    """Of each shipment by its name, who sent it; None if it was us."""
    senders: dict[str, UUID | None] = {}
    for fact in concerned.facts:
        if isinstance(fact, OrderShipped):
            senders[name_of(fact, senders)] = fact.partner_id
    return senders


EXAMPLE = Shipment(
    order_id=EXAMPLE_ID,
    shipment="S-1",
    carrier="Correio Exemplo",
    tracking="EX 123",
    lines=(ShippedLine(product_id=EXAMPLE_ID, quantity=2),),
    expected_on=date(2026, 1, 12),
)
SHIPMENT = Inbound("partner.shipment.v1", Shipment, ask, order, EXAMPLE)
