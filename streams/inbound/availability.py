"""How much a partner has of a product."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from domain.decider import Command
from domain.product.commands import ReportProductAvailability
from domain.product.facts import Level, ProductId, Quantity
from streams.inbound.concerning import Concerned, Question
from streams.inbound.kind import EXAMPLE_ID, EventData, Inbound, Sender


class Availability(EventData):
    """`expected_on` is when there will be more."""

    product_id: UUID
    level: Level
    quantity: Quantity | None = None
    expected_on: date | None = None


def ask(data: Availability) -> Question:
    return Question("product", data.product_id)


def order(data: Availability, _: Concerned, sender: Sender) -> Iterator[Command]:
    yield ReportProductAvailability(
        product_id=ProductId(data.product_id),
        level=data.level,
        quantity=data.quantity,
        expected_on=data.expected_on,
        partner_id=sender.partner_id,
    )


EXAMPLE = Availability(product_id=EXAMPLE_ID, level=Level.LOW, quantity=3, expected_on=date(2026, 1, 12))
AVAILABILITY = Inbound("partner.availability.v1", Availability, ask, order, EXAMPLE)
