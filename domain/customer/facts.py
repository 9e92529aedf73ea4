"""What is remembered of a customer."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from pydantic import JsonValue

from domain.fact import Fact
from domain.moments import Moment
from domain.personal import Purpose, Sealed

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


class ConsentChannel(StrEnum):
    """By which way a person may be addressed, or their data passed on; `partner_sharing` is to a partner."""

    EMAIL = "email"
    TELEPHONE = "telephone"
    LETTER = "letter"
    SMS = "sms"
    INSTANT_MESSAGE = "instant_message"
    SOCIAL = "social"
    PARTNER_SHARING = "partner_sharing"


class CustomerRegistered(Fact):
    """`partner_id` passed the lead, if a partner did."""

    TYPE = "crm.customer.registered.v1"
    kind: Kind
    stage: Stage
    name: Sealed | None = None
    reference: Sealed | None = None
    source: str | None = None
    country: str | None = None
    sector: str | None = None
    seller_id: UUID | None = None
    partner_id: UUID | None = None


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


class ConsentGiven(Fact):
    """A person permits a channel for a purpose: the customer, or the contact `person_id`.

    It holds from `valid_from`, by default from when it was given, up to and without `valid_until`; that it has expired
    is no fact of its own. `source` is where it was given, `evidence` what proves it.
    """

    TYPE = "crm.customer.consent_given.v1"
    channel: ConsentChannel
    purpose: Purpose
    person_id: PersonId | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    source: str | None = None
    evidence: Sealed | None = None


class ConsentWithdrawn(Fact):
    """A person forbids a channel for a purpose, whether they had permitted it or not."""

    TYPE = "crm.customer.consent_withdrawn.v1"
    channel: ConsentChannel
    purpose: Purpose
    person_id: PersonId | None = None
    source: str | None = None
    evidence: Sealed | None = None


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
    | ConsentGiven
    | ConsentWithdrawn
    | FieldSet
    | CustomerMerged
    | CustomerAbsorbed
    | CustomerUnmerged
    | CustomerReleased
    | PersonErased
)
