"""Shipments of an order: what tells them apart, and what may follow upon what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from itertools import count

from domain.order.facts import OrderShipmentDelivered, OrderShipmentFailed, OrderShipmentReturned, OrderShipped

Followed = OrderShipmentDelivered | OrderShipmentFailed | OrderShipmentReturned


class ShipmentStatus(StrEnum):
    """`failed`: it could not be delivered, and may be tried again; `returned`: it is back with who sent it."""

    UNDER_WAY = "under_way"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNED = "returned"


STATUS_AFTER: Mapping[type[Followed], ShipmentStatus] = {
    OrderShipmentDelivered: ShipmentStatus.DELIVERED,
    OrderShipmentFailed: ShipmentStatus.FAILED,
    OrderShipmentReturned: ShipmentStatus.RETURNED,
}
FINAL: Mapping[type[Followed], Collection[ShipmentStatus]] = {
    OrderShipmentDelivered: (ShipmentStatus.RETURNED,),
    OrderShipmentFailed: (ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED),
    OrderShipmentReturned: (),
}
"""After which statuses each can be no more."""


def next_number(known: Collection[str]) -> str:
    """What a shipment is called that nobody has given a name."""
    return next(number for number in map(str, count(len(known) + 1)) if number not in known)


def name_of(shipped: OrderShipped, known: Iterable[str]) -> str:
    """A fact of an earlier release names none: its shipments are numbered as they come."""
    return shipped.shipment or next_number(list(known))
