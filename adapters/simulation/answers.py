"""What a partner of the demonstration sends us: what it has, what it shipped, and what is not its to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from adapters.simulation.ways import Event
from domain.errors import RelatoError

MEDIA_TYPE = "application/cloudevents-batch+json"
SOURCE = "/erp"


class NothingOpenError(RelatoError):
    """The partner has no order that is still to be shipped; take another --seed."""


class Answer(NamedTuple):
    """`verdict` on an event, `again` on its repeat; a `reason` where it was refused."""

    what: str
    verdict: str
    again: str
    reason: str


Answers = Sequence[Answer]


def batch_of(told: Sequence[Event], foreign: UUID, at: datetime) -> Mapping[str, Any]:
    """A request of three events, occurred at that time, that fit what the partner was told."""
    order = _last_open(told)
    number, lines = order["data"]["number"], order["data"]["lines"]
    shipment = {"order_id": order["stream"], "shipment": f"own-{number}", "carrier": "Carroça Rápida", "lines": lines}
    events = [
        _event("availability", 1, at, {"product_id": lines[0]["product_id"], "level": "low", "quantity": 3}),
        _event("shipment", 2, at, shipment),
        _event("availability", 3, at, {"product_id": str(foreign), "level": "out_of_stock"}),
    ]
    return {"content": json.dumps(events), "headers": {"Content-Type": MEDIA_TYPE}}


def answers_of(first: Mapping[str, Any], again: Mapping[str, Any]) -> Answers:
    whats = ("how much it has of a product", "what it shipped", "how much there is of another's product")
    pairs = zip(whats, first["verdicts"], again["verdicts"], strict=True)
    return [Answer(what, one["verdict"], two["verdict"], one.get("detail", "")) for what, one, two in pairs]


def _event(kind: str, number: int, at: datetime, data: Mapping[str, Any]) -> Mapping[str, Any]:
    named = {"specversion": "1.0", "id": str(number), "source": SOURCE, "type": f"partner.{kind}.v1"}
    return {**named, "time": at.isoformat(), "data": data}


def _last_open(told: Sequence[Event]) -> Event:
    """The last sale to somebody known of which nothing was shipped, and that was neither amended nor cancelled."""
    closed = {event["stream"] for event in told if "stream" in event and event["type"] != "crm.order.placed.v1"}
    placed = [event for event in told if event["type"] == "crm.order.placed.v1" and event["stream"] not in closed]
    found = [one for one in placed if one["data"]["kind"] == "sale" and not one["data"]["anonymous"]]
    if not found:
        raise NothingOpenError
    return found[-1]
