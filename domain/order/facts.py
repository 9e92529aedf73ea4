"""What is remembered of an order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.customer.facts import CustomerId
from domain.fact import Fact
from domain.money import AmountMinor, Currency
from domain.personal import Sealed

OrderId = NewType("OrderId", UUID)


class OrderKind(StrEnum):
    SALE = "sale"
    RETURN = "return"
    ADJUSTMENT = "adjustment"


class Line(BaseModel):
    """`amount_minor` is the whole line's, in the order's currency; `unit_price` is the exact decimal text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product_id: UUID
    quantity: Annotated[int, Field(ge=-(10**9), le=10**9)]
    amount_minor: AmountMinor
    unit_price: Annotated[str, Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,10})?$")] | None = None


def total_of(lines: Iterable[Line]) -> int:
    return sum(line.amount_minor for line in lines)


class OrderPlaced(Fact):
    """`anonymous`: nobody knew who bought, so that it is its own subject until the customer is identified."""

    TYPE = "crm.order.placed.v1"
    number: str
    kind: OrderKind
    currency: Currency
    lines: tuple[Line, ...]
    seller_id: UUID | None = None
    country: str | None = None
    channel: str | None = None
    note: Sealed | None = None
    anonymous: bool = False

    @property
    def total_minor(self) -> int:
        return total_of(self.lines)


class OrderAmended(Fact):
    """What changed; `lines` are all the lines there are now."""

    TYPE = "crm.order.amended.v1"
    lines: tuple[Line, ...] | None = None
    note: Sealed | None = None


class OrderCancelled(Fact):
    TYPE = "crm.order.cancelled.v1"
    reason: str | None = None


class ShippedLine(BaseModel):
    """So much of a product as is in a shipment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=10**9)]


class OrderShipped(Fact):
    """A shipment left; an order may take several, and `shipment` tells them apart.

    Without `lines` it is not told what is in it. `partner_id` sent it, if it was not us.
    """

    TYPE = "crm.order.shipped.v1"
    carrier: str | None = None
    tracking: str | None = None
    shipment: str | None = None
    lines: tuple[ShippedLine, ...] | None = None
    expected_on: date | None = None
    partner_id: UUID | None = None


class OrderShipmentDelivered(Fact):
    """The shipment is where it was sent."""

    TYPE = "crm.order.shipment_delivered.v1"
    shipment: str


class OrderShipmentFailed(Fact):
    """It could not be delivered; may come more than once: each is an attempt."""

    TYPE = "crm.order.shipment_failed.v1"
    shipment: str
    reason: str | None = None


class OrderShipmentReturned(Fact):
    """It came back, delivered or not; what is given back for it is an order of the kind `return`."""

    TYPE = "crm.order.shipment_returned.v1"
    shipment: str
    reason: str | None = None


class OrderCustomerIdentified(Fact):
    """An anonymous order's customer became known: an alias from the stream's subject."""

    TYPE = "crm.order.customer_identified.v1"
    customer_id: CustomerId


OrderFact = (
    OrderPlaced
    | OrderAmended
    | OrderCancelled
    | OrderShipped
    | OrderShipmentDelivered
    | OrderShipmentFailed
    | OrderShipmentReturned
    | OrderCustomerIdentified
)
