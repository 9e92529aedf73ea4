"""What is remembered of a customer."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from pydantic import JsonValue

from domain.fact import Fact
from domain.personal import Sealed

CustomerId = NewType("CustomerId", UUID)
PersonId = NewType("PersonId", UUID)


class Kind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class Stage(StrEnum):
    """A prospect becomes a customer with the first sale, and lapses when nothing is heard any more."""

    PROSPECT = "prospect"
    CUSTOMER = "customer"
    LAPSED = "lapsed"


class CustomerRegistered(Fact):
    TYPE = "crm.customer.registered.v1"
    kind: Kind
    stage: Stage
    name: Sealed | None = None
    reference: Sealed | None = None
    source: str | None = None
    country: str | None = None
    sector: str | None = None
    seller_id: UUID | None = None


class CustomerAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.customer.amended.v1"
    name: Sealed | None = None
    reference: Sealed | None = None
    source: str | None = None
    country: str | None = None
    sector: str | None = None
    seller_id: UUID | None = None


class CustomerStageChanged(Fact):
    TYPE = "crm.customer.stage_changed.v1"
    stage: Stage
    reason: str | None = None


class ContactPointAdded(Fact):
    TYPE = "crm.customer.contact_point_added.v1"
    channel: str
    value: Sealed
    person_id: PersonId | None = None
    label: str | None = None


class ContactPointRemoved(Fact):
    TYPE = "crm.customer.contact_point_removed.v1"
    channel: str
    value: Sealed
    person_id: PersonId | None = None


class ContactAdded(Fact):
    """A person who speaks for the customer or belongs to them; has keys of their own."""

    TYPE = "crm.customer.contact_added.v1"
    person_id: PersonId
    name: Sealed
    role: str | None = None
    minor: bool = False


class ContactRemoved(Fact):
    TYPE = "crm.customer.contact_removed.v1"
    person_id: PersonId


class NeedNoted(Fact):
    """What a prospect or customer could use: a product or a service, by its name in the company."""

    TYPE = "crm.customer.need_noted.v1"
    need: str
    note: Sealed | None = None


class FieldSet(Fact):
    """A company's own field: its value is sealed unless the field's definition says that it is clear."""

    TYPE = "crm.customer.field_set.v1"
    field_id: UUID
    sealed: Sealed | None = None
    clear: JsonValue | None = None


class CustomerMerged(Fact):
    """This customer is the same as another, under whose id all goes on."""

    TYPE = "crm.customer.merged.v1"
    into_id: CustomerId


class CustomerAbsorbed(Fact):
    """Another customer turned out to be this one."""

    TYPE = "crm.customer.absorbed.v1"
    absorbed_id: CustomerId


class CustomerUnmerged(Fact):
    """This customer stands on its own again, with exactly what it had."""

    TYPE = "crm.customer.unmerged.v1"
    from_id: CustomerId


class CustomerReleased(Fact):
    """A customer that was absorbed here stands on its own again."""

    TYPE = "crm.customer.released.v1"
    released_id: CustomerId


class PersonErased(Fact):
    """The keys of these persons are destroyed: what was sealed for them can be read nowhere any more.

    `everyone`: the customer as a whole, with all contacts; then the `aliases` that were merged into it follow.
    """

    TYPE = "crm.customer.person_erased.v1"
    person_ids: tuple[PersonId, ...]
    everyone: bool = False
    aliases: tuple[CustomerId, ...] = ()


CustomerFact = (
    CustomerRegistered
    | CustomerAmended
    | CustomerStageChanged
    | ContactPointAdded
    | ContactPointRemoved
    | ContactAdded
    | ContactRemoved
    | NeedNoted
    | FieldSet
    | CustomerMerged
    | CustomerAbsorbed
    | CustomerUnmerged
    | CustomerReleased
    | PersonErased
)
