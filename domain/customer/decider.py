"""The rules for customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import assert_never
from uuid import UUID

from domain.customer.commands import (
    AddContact,
    AddContactPoint,
    AmendCustomer,
    ChangeCustomerStage,
    CustomerCommand,
    ErasePerson,
    GiveConsent,
    MergeCustomer,
    NoteNeed,
    RegisterCustomer,
    RemoveContact,
    RemoveContactPoint,
    SetField,
    UnmergeCustomer,
    WithdrawConsent,
)
from domain.customer.facts import (
    ConsentChannel,
    ConsentGiven,
    ConsentWithdrawn,
    ContactAdded,
    ContactPointAdded,
    ContactPointRemoved,
    ContactRemoved,
    CustomerAbsorbed,
    CustomerAmended,
    CustomerFact,
    CustomerId,
    CustomerMerged,
    CustomerRegistered,
    CustomerReleased,
    CustomerStageChanged,
    CustomerUnmerged,
    FieldSet,
    NeedNoted,
    PersonErased,
    PersonId,
    Stage,
)
from domain.decider import Command, Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ErasedError, ExistsError, InvalidError, MergedError, UnknownError
from domain.field.decider import usable
from domain.partner.decider import active
from domain.period import require_period
from domain.personal import Purpose, Sealed, sealed

DETAILS = CustomerAmended.model_fields.keys()
ConsentFact = ConsentGiven | ConsentWithdrawn
ConsentKey = tuple[PersonId | None, ConsentChannel, Purpose]


@dataclass(frozen=True)
class Customer:
    """What the rules need to know of a customer; `persons` were contacts once, and are not erased; `minors` of them."""

    stage: Stage | None = None
    details: Details = NOTHING
    contacts: frozenset[PersonId] = frozenset()
    persons: frozenset[PersonId] = frozenset()
    minors: frozenset[PersonId] = frozenset()
    contact_points: frozenset[tuple[str, Sealed, PersonId | None]] = frozenset()
    needs: frozenset[tuple[str, Sealed | None]] = frozenset()
    consents: tuple[tuple[ConsentKey, ConsentFact], ...] = ()
    fields: tuple[tuple[UUID, object], ...] = ()
    merged_into: CustomerId | None = None
    absorbed: frozenset[CustomerId] = frozenset()
    erased: bool = False


UNKNOWN = Customer()


def require_active(customer_id: CustomerId | UUID, customer: Customer) -> None:
    """Raises when nothing new can be recorded for the customer: never registered, erased, or merged away."""
    if customer.stage is None:
        raise UnknownError(customer=customer_id)
    if customer.erased:
        raise ErasedError(customer=customer_id)
    if customer.merged_into:
        raise MergedError(customer=customer_id, merged_into=customer.merged_into)


def decide(command: CustomerCommand, customer: Customer) -> Sequence[CustomerFact]:
    if isinstance(command, RegisterCustomer):
        return _register(command, customer)
    if isinstance(command, UnmergeCustomer):
        return _unmerge(command, customer)
    if isinstance(command, ErasePerson):
        return _erase(command, customer)
    require_active(command.customer_id, customer)
    match command:
        case AmendCustomer():
            return changes(CustomerAmended, command, customer.details)
        case ChangeCustomerStage(stage=stage, reason=reason):
            return [CustomerStageChanged(stage=stage, reason=reason)] if stage is not customer.stage else []
        case AddContact() | RemoveContact() | AddContactPoint() | RemoveContactPoint():
            return _decide_contacts(command, customer)
        case NoteNeed(need=need, note=note):
            return [NeedNoted(need=need, note=sealed(note))] if (need, note) not in customer.needs else []
        case GiveConsent() | WithdrawConsent():
            return _decide_consent(command, customer)
        case SetField():
            return _set_field(command, customer)
        case MergeCustomer():
            return _merge(command, customer)
    raise TypeError(command.NAME)


def _register(command: RegisterCustomer, customer: Customer) -> Sequence[CustomerFact]:
    if customer.erased:
        raise ErasedError(customer=command.customer_id)
    if customer.merged_into:
        raise MergedError(customer=command.customer_id, merged_into=customer.merged_into)
    if customer.stage is not None:
        raise ExistsError(customer=command.customer_id)
    return [fact_of(CustomerRegistered, command)]


def _decide_contacts(
    command: AddContact | RemoveContact | AddContactPoint | RemoveContactPoint, customer: Customer
) -> Sequence[CustomerFact]:
    _require_contact(command, customer)
    match command:
        case AddContact(person_id=person_id, name=name, role=role, minor=minor):
            return [ContactAdded(person_id=person_id, name=sealed(name), role=role, minor=minor)]
        case RemoveContact(person_id=person_id):
            return [ContactRemoved(person_id=person_id)]
        case AddContactPoint(channel=channel, value=value, person_id=person_id, label=label):
            if (channel, value, person_id) in customer.contact_points:
                return []
            return [ContactPointAdded(channel=channel, value=sealed(value), person_id=person_id, label=label)]
        case RemoveContactPoint(channel=channel, value=value, person_id=person_id):
            if (channel, value, person_id) not in customer.contact_points:
                return []
            return [ContactPointRemoved(channel=channel, value=sealed(value), person_id=person_id)]
        case _:
            assert_never(command)


def _require_contact(
    command: AddContact | RemoveContact | AddContactPoint | RemoveContactPoint, customer: Customer
) -> None:
    known = command.person_id in customer.contacts
    if isinstance(command, AddContact):
        if known:
            raise ExistsError(contact=command.person_id)
    elif command.person_id is not None and not known:
        raise UnknownError(contact=command.person_id)


def _decide_consent(command: GiveConsent | WithdrawConsent, customer: Customer) -> Sequence[CustomerFact]:
    """The same said twice is told once; said from somewhere else, or with another proof, it is told again."""
    if command.person_id is not None and command.person_id not in customer.contacts:
        raise UnknownError(contact=command.person_id)
    fact: ConsentFact
    match command:
        case GiveConsent(valid_from=valid_from, valid_until=valid_until):
            require_period(valid_from, valid_until)
            fact = fact_of(ConsentGiven, command)
        case WithdrawConsent():
            fact = fact_of(ConsentWithdrawn, command)
        case _:
            assert_never(command)
    return [] if dict(customer.consents).get(_consent_key(fact)) == fact else [fact]


def _consent_key(fact: ConsentFact) -> ConsentKey:
    return fact.person_id, fact.channel, fact.purpose


def _set_field(command: SetField, customer: Customer) -> Sequence[CustomerFact]:
    if (command.value is None) == (command.clear is None):
        raise InvalidError("give either value (kept sealed) or clear (for a field defined as clear)")
    value = sealed(command.value) or command.clear
    if dict(customer.fields).get(command.field_id) == value:
        return []
    return [FieldSet(field_id=command.field_id, sealed=sealed(command.value), clear=command.clear)]


def _merge(command: MergeCustomer, customer: Customer) -> Sequence[CustomerFact]:
    if command.into_id == command.customer_id:
        raise InvalidError("a customer cannot be merged into itself")
    if customer.absorbed:
        raise ConflictError("others were merged into this customer; merge them into the survivor first")
    return [CustomerMerged(into_id=command.into_id)]


def _unmerge(command: UnmergeCustomer, customer: Customer) -> Sequence[CustomerFact]:
    if customer.merged_into is None or customer.merged_into != command.from_id:
        raise ConflictError("the customer is not merged into that one", merged_into=customer.merged_into)
    return [CustomerUnmerged(from_id=command.from_id)]


def _erase(command: ErasePerson, customer: Customer) -> Sequence[CustomerFact]:
    """Allowed for a merged customer too: an alias must not keep what the survivor lost."""
    if customer.stage is None:
        raise UnknownError(customer=command.customer_id)
    if customer.erased:
        return []
    if command.person_id is not None and command.person_id != command.customer_id:
        if command.person_id not in customer.persons:
            raise UnknownError(contact=command.person_id)
        return [PersonErased(person_ids=(command.person_id,))]
    persons = {PersonId(command.customer_id), *customer.persons}
    aliases = tuple(sorted(customer.absorbed))
    return [PersonErased(person_ids=tuple(sorted(persons)), everyone=True, aliases=aliases)]


def decide_survivor(command: MergeCustomer | UnmergeCustomer, survivor: Customer) -> Sequence[CustomerFact]:
    """The other side of a merge, written in the same append."""
    match command:
        case MergeCustomer(customer_id=customer_id, into_id=into_id):
            require_active(into_id, survivor)
            return [CustomerAbsorbed(absorbed_id=customer_id)]
        case UnmergeCustomer(customer_id=customer_id):
            if survivor.erased:
                raise ErasedError(customer=command.from_id)
            return [CustomerReleased(released_id=customer_id)]
        case _:
            assert_never(command)


def guard_active(command: Command, customer: Customer) -> Sequence[CustomerFact]:
    """For commands that concern a customer who must be there: writes nothing."""
    require_active(getattr(command, "customer_id"), customer)  # noqa: B009 any command with a customer
    return []


def evolve(customer: Customer, fact: CustomerFact) -> Customer:
    match fact:
        case CustomerRegistered():
            return Customer(stage=fact.stage, details=learn(NOTHING, fact, DETAILS))
        case CustomerAmended():
            return replace(customer, details=learn(customer.details, fact, DETAILS))
        case CustomerStageChanged(stage=stage):
            return replace(customer, stage=stage)
        case ContactPointAdded(channel=channel, value=value, person_id=person_id):
            return replace(customer, contact_points=customer.contact_points | {(channel, value, person_id)})
        case ContactPointRemoved(channel=channel, value=value, person_id=person_id):
            return replace(customer, contact_points=customer.contact_points - {(channel, value, person_id)})
        case ContactAdded(person_id=person_id, minor=minor):
            persons, minors = customer.persons | {person_id}, customer.minors - {person_id}
            minors |= {person_id} if minor else set()
            return replace(customer, contacts=customer.contacts | {person_id}, persons=persons, minors=minors)
        case ContactRemoved(person_id=person_id):
            return replace(customer, contacts=customer.contacts - {person_id})
        case NeedNoted(need=need, note=note):
            return replace(customer, needs=customer.needs | {(need, note)})
        case ConsentGiven() | ConsentWithdrawn():
            return replace(customer, consents=tuple((dict(customer.consents) | {_consent_key(fact): fact}).items()))
        case FieldSet(field_id=field_id):
            given = fact.sealed if fact.clear is None else fact.clear
            return replace(customer, fields=tuple((dict(customer.fields) | {field_id: given}).items()))
        case CustomerMerged(into_id=into_id):
            return replace(customer, merged_into=into_id)
        case CustomerUnmerged():
            return replace(customer, merged_into=None)
        case CustomerAbsorbed(absorbed_id=absorbed_id):
            return replace(customer, absorbed=customer.absorbed | {absorbed_id})
        case CustomerReleased(released_id=released_id):
            return replace(customer, absorbed=customer.absorbed - {released_id})
        case PersonErased(person_ids=person_ids, everyone=everyone):
            contacts, persons = customer.contacts - set(person_ids), customer.persons - set(person_ids)
            return replace(customer, contacts=contacts, persons=persons, erased=customer.erased or everyone)
        case _:
            assert_never(fact)


customer = Decider("customer", UNKNOWN, decide, evolve, minors=attrgetter("minors"))
survivor = Decider("customer", UNKNOWN, decide_survivor, evolve)
present = Decider("customer", UNKNOWN, guard_active, evolve)

PLAIN = (
    AmendCustomer,
    ChangeCustomerStage,
    AddContactPoint,
    RemoveContactPoint,
    AddContact,
    RemoveContact,
    NoteNeed,
    GiveConsent,
    WithdrawConsent,
    ErasePerson,
)
REGISTRATIONS = (
    Registration(
        RegisterCustomer,
        (Target(customer, "customer_id"), Target(active, "partner_id")),
        amended_by=AmendCustomer,
    ),
    *(Registration(command, (Target(customer, "customer_id"),)) for command in PLAIN),
    Registration(SetField, (Target(customer, "customer_id"), Target(usable, "field_id"))),
    Registration(MergeCustomer, (Target(customer, "customer_id"), Target(survivor, "into_id"))),
    Registration(UnmergeCustomer, (Target(customer, "customer_id"), Target(survivor, "from_id"))),
)
