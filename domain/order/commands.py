"""What can be ordered about an order."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.money import Currency
from domain.order.facts import Line, OrderId, OrderKind, ShippedLine
from domain.personal import Personal
from domain.text import Label, Text

Lines = Annotated[tuple[Line, ...], Field(min_length=1, max_length=2_000)]
ShippedLines = Annotated[tuple[ShippedLine, ...], Field(min_length=1, max_length=2_000)]


class ForOrder(Command):
    order_id: OrderId


class PlaceOrder(ForOrder):
    """A sale, a return or an adjustment; without a customer it is anonymous until one is identified."""

    NAME = "order.place"
    customer_id: CustomerId | None = None
    number: Label
    kind: OrderKind = OrderKind.SALE
    currency: Currency
    lines: Lines
    seller_id: UUID | None = None
    country: Label | None = None
    channel: Label | None = None
    note: Annotated[Text | None, Personal()] = None


class AmendOrder(ForOrder):
    """Changes what is given; `lines` are all the lines there are from now on."""

    NAME = "order.amend"
    lines: Lines | None = None
    note: Annotated[Text | None, Personal()] = None


class CancelOrder(ForOrder):
    """Calls an order off."""

    NAME = "order.cancel"
    reason: Label | None = None


class ShipOrder(ForOrder):
    """A shipment of the order left: all of it, or the `lines` given; without a name in `shipment` it is numbered."""

    NAME = "order.ship"
    carrier: Label | None = None
    tracking: Label | None = None
    shipment: Label | None = None
    lines: ShippedLines | None = None
    expected_on: date | None = None
    partner_id: UUID | None = None


class ForShipment(ForOrder):
    """`shipment` is the name it left under."""

    shipment: Label


class DeliverShipment(ForShipment):
    """A shipment arrived."""

    NAME = "order.deliver_shipment"


class FailShipment(ForShipment):
    """A shipment could not be delivered; it may be tried again, or come back."""

    NAME = "order.fail_shipment"
    reason: Label | None = None


class ReturnShipment(ForShipment):
    """A shipment came back to who sent it, delivered or not."""

    NAME = "order.return_shipment"
    reason: Label | None = None


class IdentifyOrderCustomer(ForOrder):
    """Says which customer placed an anonymous order."""

    NAME = "order.identify_customer"
    customer_id: CustomerId


ShipmentStep = DeliverShipment | FailShipment | ReturnShipment
OrderCommand = PlaceOrder | AmendOrder | CancelOrder | ShipOrder | ShipmentStep | IdentifyOrderCustomer
