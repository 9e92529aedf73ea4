"""A lead that a partner passes on: somebody new, how they can be reached, and what they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from domain.customer.commands import AddContactPoint, NoteNeed, RegisterCustomer
from domain.customer.facts import CustomerId, Kind
from domain.decider import Command
from domain.text import Label, Text
from streams.inbound.concerning import Concerned, Question
from streams.inbound.kind import EventData, Inbound, Sender


class Reached(EventData):
    """As a contact point of a customer is told."""

    channel: Label
    value: Text
    label: Label | None = None


NOTE_NEEDS_NEED: dict[str, JsonValue] = {
    "if": {"required": ["note"], "properties": {"note": {"type": "string"}}},
    "then": {"required": ["need"], "properties": {"need": {"type": "string"}}},
}


class Lead(EventData):
    """`reference` is the partner's own for them; a `note` belongs to a `need`.

    All that is personal is sealed under the new customer's key.
    """

    model_config = ConfigDict(json_schema_extra=NOTE_NEEDS_NEED)

    name: Label
    kind: Kind = Kind.PERSON
    reference: Label | None = None
    country: Label | None = None
    sector: Label | None = None
    contact_points: Annotated[tuple[Reached, ...], Field(max_length=10)] = ()
    need: Label | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _has_a_need_to_note(self) -> Self:
        if self.note is not None and self.need is None:
            raise ValueError("a note belongs to a need; name it")
        return self


def ask(data: Lead) -> Question:
    return Question("customer", country=data.country)


def order(data: Lead, _: Concerned, sender: Sender) -> Iterator[Command]:
    customer_id = CustomerId(sender.make_id("customer_id"))
    yield RegisterCustomer(
        customer_id=customer_id,
        name=data.name,
        kind=data.kind,
        reference=data.reference,
        country=data.country,
        sector=data.sector,
        partner_id=sender.partner_id,
    )
    for one in data.contact_points:
        yield AddContactPoint(customer_id=customer_id, channel=one.channel, value=one.value, label=one.label)
    if data.need is not None:
        yield NoteNeed(customer_id=customer_id, need=data.need, note=data.note)


EXAMPLE = Lead(
    name="Ana Exemplo",
    reference="L-17",
    country="PT",
    contact_points=(Reached(channel="email", value="ana@example.com"),),
    need="chairs for an office",
)
LEAD = Inbound("partner.lead.v1", Lead, ask, order, EXAMPLE)
