"""The texts that can be found: sealed as they were told, each in its place."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.customer.facts import (
    ContactAdded,
    ContactPointAdded,
    ContactPointRemoved,
    ContactRemoved,
    CustomerAmended,
    CustomerRegistered,
    FieldSet,
)
from domain.event import Event
from domain.interaction.facts import InteractionCorrected, InteractionLogged, NoteTaken
from domain.personal import Sealed
from domain.ticket.facts import TicketNoted, TicketOpened
from projections.engine.readmodel import Derived, Key, ReadModel
from projections.search.fields import Kind

Removal = ContactRemoved | ContactPointRemoved
OfInteraction = InteractionLogged | InteractionCorrected | NoteTaken
OfTicket = TicketOpened | TicketNoted
Telling = CustomerRegistered | CustomerAmended | ContactAdded | ContactPointAdded | FieldSet | OfInteraction | OfTicket


class Text(NamedTuple):
    """`item` tells several texts of a field apart. `person_id` is whose values `text` holds, sealed, by what they are.

    `thing_id`: the customer's, contact's, interaction's or ticket's.
    """

    stream_id: UUID
    field: str
    item: str
    kind: str
    thing_id: UUID
    person_id: UUID
    subject_id: UUID
    occurred_at: datetime
    text: dict[str, Any]


class Piece(NamedTuple):
    """What a fact tells of one row."""

    field: str
    item: str
    kind: Kind
    thing_id: UUID
    person_id: UUID
    text: dict[str, Sealed | None]


def piece_of(event: Event) -> Piece:
    fact, stream_id = cast("Telling | ContactPointRemoved", event.fact), event.stream_id
    match fact:
        case CustomerRegistered(name=name, reference=reference) | CustomerAmended(name=name, reference=reference):
            return Piece("names", "", Kind.CUSTOMER, stream_id, stream_id, {"name": name, "reference": reference})
        case ContactAdded(person_id=person_id, name=name, minor=minor):
            field = "child_name" if minor else "contact_name"
            return Piece(field, str(person_id), Kind.CONTACT, person_id, person_id, {"name": name})
        case ContactPointAdded() | ContactPointRemoved():
            kind, whose = (Kind.CONTACT, fact.person_id) if fact.person_id else (Kind.CUSTOMER, stream_id)
            return Piece("contact_point", _address_of(fact), kind, whose, whose, {fact.channel: fact.value})
        case FieldSet(field_id=field_id, sealed=value):
            item = str(field_id)
            return Piece("own_field", item, Kind.CUSTOMER, stream_id, stream_id, {item: value})
        case _:
            return _said(fact, event)


def _said(fact: OfInteraction | OfTicket, event: Event) -> Piece:
    field, item, kind, value = _place_of(fact, str(event.stream_version))
    return Piece(field, item, kind, event.stream_id, event.subject_id, {"content": value})


def _place_of(fact: OfInteraction | OfTicket, version: str) -> tuple[str, str, Kind, Sealed | None]:
    match fact:
        case InteractionLogged(content=content) | InteractionCorrected(content=content):
            return "content", "", Kind.INTERACTION, content
        case NoteTaken(content=content):
            return "note", version, Kind.INTERACTION, content
        case TicketOpened(summary=summary):
            return "summary", "", Kind.TICKET, summary
        case TicketNoted(content=content):
            return "ticket_note", version, Kind.TICKET, content
        case _:
            assert_never(fact)


def _address_of(fact: ContactPointAdded | ContactPointRemoved) -> str:
    """Equal values of one person seal equal, so that the removal names what was added."""
    return hashlib.sha256(f"{fact.channel}\0{fact.person_id}\0{fact.value}".encode()).hexdigest()[:32]


def keys(event: Event) -> tuple[Key, ...]:
    """None where the fact holds no text; a contact that goes may have been a child's."""
    fact = event.fact
    if isinstance(fact, ContactRemoved):
        return tuple((event.stream_id, field, str(fact.person_id)) for field in ("contact_name", "child_name"))
    piece = piece_of(event)
    if not isinstance(fact, FieldSet) and not any(piece.text.values()):
        return ()
    return ((event.stream_id, piece.field, piece.item),)


def evolve(row: Text | None, event: Event) -> Text | None:
    if isinstance(event.fact, Removal):
        return None
    field, item, kind, thing_id, person_id, text = piece_of(event)
    told: dict[str, Any] = {name: value for name, value in text.items() if value is not None}
    if not told:  # an own field whose value is clear now
        return None
    if row is not None:
        return row._replace(text=row.text | told)
    subject_id, at = event.subject_id, event.occurred_at
    return Text(event.stream_id, field, item, kind, thing_id, person_id, subject_id, at, told)


def texts_with(derived: Derived[Text]) -> ReadModel[Text]:
    return ReadModel(
        name="texts",
        version=1,
        row=Text,
        key=3,
        facts=(*get_args(Removal), *get_args(Telling)),
        keys=keys,
        evolve=evolve,
        searchable={"tokens": "person_id"},
        derived=derived,
    )
