"""Customers as they were told to us: who they are, how they are reached, what they could use."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.customer.facts import (
    ContactAdded,
    ContactPointAdded,
    ContactPointRemoved,
    ContactRemoved,
    CustomerAmended,
    CustomerMerged,
    CustomerRegistered,
    CustomerStageChanged,
    CustomerUnmerged,
    FieldSet,
    NeedNoted,
    PersonErased,
)
from domain.event import Event
from domain.personal import Sealed
from projections.engine.columns import freeze
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun

Entries = tuple[dict[str, Any], ...]


class CustomerProfile(NamedTuple):
    """`merged_into` is empty while the customer stands alone; `fields` maps the company's own fields to their values.

    `erased`: the customer as a whole; what is sealed stays as it was, and opens to nothing.
    """

    customer_id: UUID
    kind: str
    stage: str
    registered_at: datetime
    name: Sealed | None = None
    reference: Sealed | None = None
    source: str | None = None
    country: str | None = None
    sector: str | None = None
    seller_id: UUID | None = None
    needs: tuple[str, ...] = ()
    contacts: Entries = ()
    contact_points: Entries = ()
    fields: dict[str, Any] = {}  # noqa: RUF012 a default that is copied, never changed
    merged_into: UUID | None = None
    erased: bool = False


Contacts = ContactAdded | ContactRemoved | ContactPointAdded | ContactPointRemoved
Later = (
    CustomerAmended | CustomerStageChanged | Contacts | NeedNoted | FieldSet
    | CustomerMerged | CustomerUnmerged | PersonErased
)  # fmt: skip
DETAILS = tuple(CustomerAmended.model_fields)


def evolve(row: CustomerProfile | None, event: Event) -> CustomerProfile:
    fact = cast("CustomerRegistered | Later", event.fact)
    if isinstance(fact, CustomerRegistered):
        return amend(CustomerProfile(event.stream_id, fact.kind, fact.stage, event.occurred_at), fact, DETAILS)
    return _go_on(begun(row, event), fact)


def _go_on(row: CustomerProfile, fact: Later) -> CustomerProfile:
    match fact:
        case CustomerAmended():
            return amend(row, fact, DETAILS)
        case CustomerStageChanged(stage=stage):
            return row._replace(stage=stage)
        case ContactAdded() | ContactRemoved() | ContactPointAdded() | ContactPointRemoved():
            return _with_contacts(row, fact)
        case NeedNoted(need=need):
            return row if need in row.needs else row._replace(needs=(*row.needs, need))
        case FieldSet(field_id=field_id):
            value = fact.sealed if fact.clear is None else freeze(fact.clear)
            return row._replace(fields=row.fields | {str(field_id): value})
        case CustomerMerged(into_id=into_id):
            return row._replace(merged_into=into_id)
        case CustomerUnmerged():
            return row._replace(merged_into=None)
        case PersonErased(everyone=everyone):
            return row._replace(erased=row.erased or everyone)
        case _:
            assert_never(fact)


def _with_contacts(row: CustomerProfile, fact: Contacts) -> CustomerProfile:
    """An erased contact stays in the list, under a name that opens to nothing."""
    match fact:
        case ContactAdded():
            return row._replace(contacts=(*row.contacts, _entry(fact)))
        case ContactRemoved(person_id=person_id):
            kept = tuple(contact for contact in row.contacts if contact["person_id"] != str(person_id))
            return row._replace(contacts=kept)
        case ContactPointAdded():
            return row._replace(contact_points=(*row.contact_points, _entry(fact)))
        case ContactPointRemoved():
            gone = _entry(fact).items()
            kept = tuple(point for point in row.contact_points if not gone <= point.items())
            return row._replace(contact_points=kept)
        case _:
            assert_never(fact)


def _entry(fact: Contacts) -> dict[str, Any]:
    """The fact's fields as JSON has them; a sealed value is copied as it is."""
    return fact.model_dump(mode="json")


customer_profile = ReadModel(
    name="customer_profile",
    version=1,
    row=CustomerProfile,
    key=1,
    facts=(CustomerRegistered, *get_args(Later)),
    keys=by_stream,
    evolve=evolve,
)
