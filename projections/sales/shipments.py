"""Shipments: what left for an order, and what became of it."""

from __future__ import annotations

from typing import Any, NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.event import Event
from domain.order.facts import OrderShipmentDelivered, OrderShipmentFailed, OrderShipmentReturned, OrderShipped
from domain.order.shipments import STATUS_AFTER, Followed, ShipmentStatus, name_of
from projections.engine.columns import freeze
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import begun


class Shipments(NamedTuple):
    """An order's, of which something left; the view makes a row of each entry."""

    order_id: UUID
    subject_id: UUID
    shipments: tuple[dict[str, Any], ...] = ()


ShipmentFact = OrderShipped | Followed


def evolve(row: Shipments | None, event: Event) -> Shipments:
    fact, at = cast("ShipmentFact", event.fact), event.occurred_at.isoformat()
    if isinstance(fact, OrderShipped):
        row = row or Shipments(event.stream_id, event.subject_id)
        return row._replace(shipments=(*row.shipments, _entry(row, fact, at)))
    row = begun(row, event)
    followed = (one | _change(fact, at) if one["shipment"] == fact.shipment else one for one in row.shipments)
    return row._replace(shipments=tuple(followed))


def _entry(row: Shipments, fact: OrderShipped, at: str) -> dict[str, Any]:
    told = freeze(fact.model_dump(mode="json"))
    units = None if fact.lines is None else sum(line.quantity for line in fact.lines)
    name = name_of(fact, [one["shipment"] for one in row.shipments])
    status = ShipmentStatus.UNDER_WAY.value
    return {**told, "shipment": name, "units": units, "status": status, "shipped_at": at, "changed_at": at}


def _change(fact: Followed, at: str) -> dict[str, Any]:
    change = {"status": STATUS_AFTER[type(fact)].value, "changed_at": at}
    match fact:
        case OrderShipmentFailed(reason=reason) | OrderShipmentReturned(reason=reason):
            return change | {"reason": reason}
        case OrderShipmentDelivered():
            return change | {"delivered_at": at}
        case _:
            assert_never(fact)


shipments = ReadModel(
    name="shipments",
    version=1,
    row=Shipments,
    key=1,
    facts=(OrderShipped, *get_args(Followed)),
    keys=by_stream,
    evolve=evolve,
)
