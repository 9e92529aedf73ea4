"""What can be ordered about an order."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.money import Currency
from domain.order.facts import Line, OrderId, OrderKind
from domain.personal import Personal
from domain.text import Label, Text

Lines = Annotated[tuple[Line, ...], Field(min_length=1, max_length=2_000)]


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
    """A shipment of the order left."""

    NAME = "order.ship"
    carrier: Label | None = None
    tracking: Label | None = None


class IdentifyOrderCustomer(ForOrder):
    """Says which customer placed an anonymous order."""

    NAME = "order.identify_customer"
    customer_id: CustomerId


OrderCommand = PlaceOrder | AmendOrder | CancelOrder | ShipOrder | IdentifyOrderCustomer
