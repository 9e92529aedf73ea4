"""The rules for customers."""

from __future__ import annotations

from uuid import UUID

from domain.customer.commands import (
    AddContact,
    AddContactPoint,
    AmendCustomer,
    ChangeCustomerStage,
    ErasePerson,
    MergeCustomer,
    NoteNeed,
    RegisterCustomer,
    RemoveContact,
    RemoveContactPoint,
    SetField,
    UnmergeCustomer,
)
from domain.customer.decider import present, survivor
from domain.customer.facts import (
    ContactAdded,
    ContactPointAdded,
    ContactPointRemoved,
    ContactRemoved,
    CustomerAbsorbed,
    CustomerAmended,
    CustomerId,
    CustomerMerged,
    CustomerRegistered,
    CustomerReleased,
    CustomerStageChanged,
    CustomerUnmerged,
    FieldSet,
    Kind,
    NeedNoted,
    PersonErased,
    PersonId,
    Stage,
)
from domain.errors import ConflictError, ErasedError, ExistsError, InvalidError, MergedError, UnknownError
from tests.given import given, seal

ANA, TWIN, OTHER = (CustomerId(UUID(int=n)) for n in (1, 2, 3))
RUI, EVA = (PersonId(UUID(int=n)) for n in (11, 12))
FIELD = UUID(int=21)

REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT, name=seal("Ana"), country="PT")
RUI_ADDED = ContactAdded(person_id=RUI, name=seal("Rui"))
EVA_ADDED = ContactAdded(person_id=EVA, name=seal("Eva"), minor=True)
ERASED = PersonErased(person_ids=(PersonId(ANA),), everyone=True)
MERGED = CustomerMerged(into_id=TWIN)
EMAIL = ContactPointAdded(channel="email", value=seal("ana@example.org"))


def test_a_customer_is_registered_as_a_prospect_with_a_sealed_name() -> None:
    given().when(RegisterCustomer(customer_id=ANA, name="Ana", country="PT")).then(REGISTERED)


def test_a_customer_is_registered_once() -> None:
    given(REGISTERED).when(RegisterCustomer(customer_id=ANA)).then_refused(ExistsError)


def test_an_erased_customer_is_not_registered_again() -> None:
    given(REGISTERED, ERASED).when(RegisterCustomer(customer_id=ANA)).then_refused(ErasedError)


def test_a_merged_customer_is_not_registered_again() -> None:
    given(REGISTERED, MERGED).when(RegisterCustomer(customer_id=ANA)).then_refused(MergedError)


def test_amending_keeps_only_what_differs() -> None:
    amend = AmendCustomer(customer_id=ANA, name="Ana", country="BR", sector="retail")
    given(REGISTERED).when(amend).then(CustomerAmended(country="BR", sector="retail"))


def test_amending_with_what_is_known_answers_nothing() -> None:
    amend = AmendCustomer(customer_id=ANA, name="Ana Lúcia", country="PT")
    given(REGISTERED, CustomerAmended(name=seal("Ana Lúcia"))).when(amend).then()


def test_nothing_is_recorded_for_a_customer_nobody_registered() -> None:
    given().when(AmendCustomer(customer_id=ANA, country="BR")).then_refused(UnknownError)


def test_a_prospect_becomes_a_customer_once() -> None:
    change = ChangeCustomerStage(customer_id=ANA, stage=Stage.CUSTOMER, reason="first order")
    became = CustomerStageChanged(stage=Stage.CUSTOMER, reason="first order")
    given(REGISTERED).when(change).then(became)
    given(REGISTERED, became).when(change).then()


def test_a_contact_point_is_added_once_and_can_be_removed() -> None:
    add = AddContactPoint(customer_id=ANA, channel="email", value="ana@example.org")
    remove = RemoveContactPoint(customer_id=ANA, channel="email", value="ana@example.org")
    removed = ContactPointRemoved(channel="email", value=seal("ana@example.org"))
    given(REGISTERED).when(add).then(EMAIL)
    given(REGISTERED, EMAIL).when(add).then()
    given(REGISTERED, EMAIL).when(remove).then(removed)
    given(REGISTERED, EMAIL, removed).when(remove).then()


def test_a_contact_is_a_person_of_their_own_who_is_added_once() -> None:
    add = AddContact(customer_id=ANA, person_id=EVA, name="Eva", minor=True)
    given(REGISTERED).when(add).then(EVA_ADDED)
    given(REGISTERED, EVA_ADDED).when(add).then_refused(ExistsError)


def test_a_contact_is_reached_at_a_point_of_their_own() -> None:
    add = AddContactPoint(customer_id=ANA, channel="telephone", value="+351 21 000", person_id=RUI)
    added = ContactPointAdded(channel="telephone", value=seal("+351 21 000"), person_id=RUI)
    given(REGISTERED, RUI_ADDED).when(add).then(added)
    given(REGISTERED).when(add).then_refused(UnknownError)


def test_a_contact_is_removed_if_there() -> None:
    remove = RemoveContact(customer_id=ANA, person_id=RUI)
    given(REGISTERED, RUI_ADDED).when(remove).then(ContactRemoved(person_id=RUI))
    given(REGISTERED).when(remove).then_refused(UnknownError)


def test_a_need_is_noted_once() -> None:
    note, noted = NoteNeed(customer_id=ANA, need="coffee", note="for 12"), NeedNoted(need="coffee", note=seal("for 12"))
    given(REGISTERED).when(note).then(noted)
    given(REGISTERED, noted).when(note).then()


def test_a_field_takes_a_sealed_value_or_a_clear_one() -> None:
    set_sealed, set_clear = (
        SetField(customer_id=ANA, field_id=FIELD, value="gold"),
        SetField(customer_id=ANA, field_id=FIELD, clear=False),
    )
    is_sealed, is_clear = FieldSet(field_id=FIELD, sealed=seal("gold")), FieldSet(field_id=FIELD, clear=False)
    given(REGISTERED).when(set_sealed).then(is_sealed)
    given(REGISTERED, is_sealed).when(set_sealed).then()
    given(REGISTERED, is_sealed).when(set_clear).then(is_clear)
    given(REGISTERED, is_clear).when(set_clear).then()


def test_a_field_takes_exactly_one_value() -> None:
    given(REGISTERED).when(SetField(customer_id=ANA, field_id=FIELD)).then_refused(InvalidError)
    both = SetField(customer_id=ANA, field_id=FIELD, value="gold", clear="gold")
    given(REGISTERED).when(both).then_refused(InvalidError)


def test_a_merge_is_written_on_both_sides() -> None:
    merge = MergeCustomer(customer_id=ANA, into_id=TWIN)
    given(REGISTERED).when(merge).then(MERGED)
    given(REGISTERED, decider=survivor).when(merge).then(CustomerAbsorbed(absorbed_id=ANA))


def test_a_customer_is_not_merged_into_itself_or_away_from_those_it_absorbed() -> None:
    given(REGISTERED).when(MergeCustomer(customer_id=ANA, into_id=ANA)).then_refused(InvalidError)
    absorbed = CustomerAbsorbed(absorbed_id=OTHER)
    given(REGISTERED, absorbed).when(MergeCustomer(customer_id=ANA, into_id=TWIN)).then_refused(ConflictError)


def test_nobody_is_merged_into_a_customer_who_is_not_there() -> None:
    merge = MergeCustomer(customer_id=OTHER, into_id=ANA)
    given(decider=survivor).when(merge).then_refused(UnknownError)
    given(REGISTERED, MERGED, decider=survivor).when(merge).then_refused(MergedError)
    given(REGISTERED, ERASED, decider=survivor).when(merge).then_refused(ErasedError)


def test_a_merged_customer_takes_no_orders_of_its_own() -> None:
    given(REGISTERED, MERGED).when(AmendCustomer(customer_id=ANA, country="BR")).then_refused(MergedError)


def test_an_unmerge_is_written_on_both_sides_and_the_customer_goes_on() -> None:
    unmerge, unmerged = UnmergeCustomer(customer_id=ANA, from_id=TWIN), CustomerUnmerged(from_id=TWIN)
    absorbed = CustomerAbsorbed(absorbed_id=ANA)
    given(REGISTERED, MERGED).when(unmerge).then(unmerged)
    given(REGISTERED, absorbed, decider=survivor).when(unmerge).then(CustomerReleased(released_id=ANA))
    amend = AmendCustomer(customer_id=ANA, country="BR")
    given(REGISTERED, MERGED, unmerged).when(amend).then(CustomerAmended(country="BR"))


def test_a_survivor_that_released_all_can_be_merged_itself() -> None:
    history = (REGISTERED, CustomerAbsorbed(absorbed_id=OTHER), CustomerReleased(released_id=OTHER))
    given(*history).when(MergeCustomer(customer_id=ANA, into_id=TWIN)).then(MERGED)


def test_only_the_merge_that_was_made_is_undone() -> None:
    given(REGISTERED).when(UnmergeCustomer(customer_id=ANA, from_id=TWIN)).then_refused(ConflictError)
    given(REGISTERED, MERGED).when(UnmergeCustomer(customer_id=ANA, from_id=OTHER)).then_refused(ConflictError)


def test_nobody_is_released_from_an_erased_survivor() -> None:
    unmerge = UnmergeCustomer(customer_id=OTHER, from_id=ANA)
    given(REGISTERED, ERASED, decider=survivor).when(unmerge).then_refused(ErasedError)


def test_erasing_a_customer_names_every_person_and_alias() -> None:
    history = (REGISTERED, RUI_ADDED, EVA_ADDED, CustomerAbsorbed(absorbed_id=TWIN))
    everyone = PersonErased(person_ids=(PersonId(ANA), RUI, EVA), everyone=True, aliases=(TWIN,))
    given(*history).when(ErasePerson(customer_id=ANA)).then(everyone)


def test_erasing_the_customers_own_person_erases_the_customer() -> None:
    given(REGISTERED).when(ErasePerson(customer_id=ANA, person_id=PersonId(ANA))).then(ERASED)


def test_a_contact_is_erased_alone() -> None:
    erase, erased = ErasePerson(customer_id=ANA, person_id=RUI), PersonErased(person_ids=(RUI,))
    given(REGISTERED, RUI_ADDED).when(erase).then(erased)
    given(REGISTERED, RUI_ADDED, erased).when(erase).then_refused(UnknownError)
    given(REGISTERED).when(erase).then_refused(UnknownError)


def test_a_contact_who_was_removed_is_still_erased() -> None:
    history = (REGISTERED, RUI_ADDED, ContactRemoved(person_id=RUI))
    given(*history).when(ErasePerson(customer_id=ANA, person_id=RUI)).then(PersonErased(person_ids=(RUI,)))
    everyone = PersonErased(person_ids=(PersonId(ANA), RUI), everyone=True)
    given(*history).when(ErasePerson(customer_id=ANA)).then(everyone)


def test_a_merged_customer_is_erased_too() -> None:
    given(REGISTERED, MERGED).when(ErasePerson(customer_id=ANA)).then(ERASED)


def test_erasing_twice_answers_nothing_and_nobody_unknown_is_erased() -> None:
    given(REGISTERED, ERASED).when(ErasePerson(customer_id=ANA)).then()
    given().when(ErasePerson(customer_id=ANA)).then_refused(UnknownError)


def test_nothing_is_recorded_for_an_erased_customer() -> None:
    given(REGISTERED, ERASED).when(NoteNeed(customer_id=ANA, need="coffee")).then_refused(ErasedError)


def test_the_guard_lets_pass_whoever_is_there_and_writes_nothing() -> None:
    command = NoteNeed(customer_id=ANA, need="coffee")
    given(REGISTERED, decider=present).when(command).then()
    given(decider=present).when(command).then_refused(UnknownError)
    given(REGISTERED, MERGED, decider=present).when(command).then_refused(MergedError)
    given(REGISTERED, ERASED, decider=present).when(command).then_refused(ErasedError)
