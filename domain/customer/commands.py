"""What can be ordered about a customer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from domain.customer.facts import ConsentChannel, CustomerId, Kind, PersonId, Stage
from domain.decider import Command
from domain.moments import Moment
from domain.personal import Personal, Purpose
from domain.text import ClearJson, Label, SmallJson, Text


class CustomerCommand(Command):
    customer_id: CustomerId


class CustomerDetails(CustomerCommand):
    """The fields that registering and amending share."""

    name: Annotated[Label | None, Personal()] = None
    reference: Annotated[Label | None, Personal()] = None
    source: Label | None = None
    country: Label | None = None
    sector: Label | None = None
    seller_id: UUID | None = None


class RegisterCustomer(CustomerDetails):
    """A person or company becomes known, a prospect unless said otherwise. `partner_id` passed the lead."""

    NAME = "customer.register"
    kind: Kind = Kind.PERSON
    stage: Stage = Stage.PROSPECT
    partner_id: UUID | None = None


class AmendCustomer(CustomerDetails):
    """Changes the fields that are given."""

    NAME = "customer.amend"


class ChangeCustomerStage(CustomerCommand):
    """Prospect, customer or lapsed."""

    NAME = "customer.change_stage"
    stage: Stage
    reason: Label | None = None


class AddContactPoint(CustomerCommand):
    """An e-mail address, telephone number, postal address or account on which the customer can be reached."""

    NAME = "customer.add_contact_point"
    channel: Label
    value: Annotated[Text, Personal(person="person_id")]
    person_id: PersonId | None = None
    label: Label | None = None


class RemoveContactPoint(CustomerCommand):
    """The customer is no more reached there."""

    NAME = "customer.remove_contact_point"
    channel: Label
    value: Annotated[Text, Personal(person="person_id")]
    person_id: PersonId | None = None


class AddContact(CustomerCommand):
    """A person who speaks for the customer or belongs to them."""

    NAME = "customer.add_contact"
    person_id: PersonId
    name: Annotated[Label, Personal(person="person_id", minor="minor")]
    role: Label | None = None
    minor: bool = False


class RemoveContact(CustomerCommand):
    """The person speaks for the customer no more; their data stay until they are erased."""

    NAME = "customer.remove_contact"
    person_id: PersonId


class NoteNeed(CustomerCommand):
    """What the prospect or customer could use."""

    NAME = "customer.note_need"
    need: Label
    note: Annotated[Text | None, Personal(purpose=Purpose.MARKETING)] = None


class ConsentDetails(CustomerCommand):
    """The fields that giving and withdrawing share; without `person_id` it is the customer who says so."""

    channel: ConsentChannel
    purpose: Purpose
    person_id: PersonId | None = None
    source: Label | None = None
    evidence: Annotated[Text | None, Personal(person="person_id")] = None


class GiveConsent(ConsentDetails):
    """A person permits a channel for a purpose, from when they said so unless `valid_from` is another time."""

    NAME = "customer.give_consent"
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class WithdrawConsent(ConsentDetails):
    """A person forbids a channel for a purpose, whether they had permitted it or not."""

    NAME = "customer.withdraw_consent"


class SetField(CustomerCommand):
    """Gives one of the company's own fields its value: `value` is sealed, `clear` is for a field defined as clear."""

    NAME = "customer.set_field"
    field_id: UUID
    value: Annotated[SmallJson | None, Personal()] = None
    clear: ClearJson | None = None


class MergeCustomer(CustomerCommand):
    """Says that this customer is the same as another, under whose id all goes on; can be undone."""

    NAME = "customer.merge"
    into_id: CustomerId


class UnmergeCustomer(CustomerCommand):
    """Undoes a merge: both stand as they stood."""

    NAME = "customer.unmerge"
    from_id: CustomerId


class ErasePerson(CustomerCommand):
    """Destroys the keys of a person: of one contact, or of the customer with all aliases and contacts."""

    NAME = "customer.erase"
    person_id: PersonId | None = None
