"""The rules for consents, and how they stand at a time, of merged customers too."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

from domain.customer.commands import GiveConsent, WithdrawConsent
from domain.customer.consents import UNTOLD, Needed, Permissions, Standing, evolve, standing, strictest
from domain.customer.facts import (
    ConsentChannel,
    ConsentGiven,
    ConsentWithdrawn,
    ContactAdded,
    CustomerAbsorbed,
    CustomerId,
    CustomerMerged,
    CustomerRegistered,
    CustomerReleased,
    CustomerUnmerged,
    Kind,
    PersonErased,
    PersonId,
    Stage,
)
from domain.errors import ErasedError, InvalidError, MergedError, UnknownError
from domain.fact import Fact
from domain.personal import Purpose
from tests.given import given, seal
from tests.unit.projections.folding import event_of

ANA, ANNE = CustomerId(UUID(int=1)), CustomerId(UUID(int=2))
BEN = PersonId(UUID(int=3))
EMAIL, PHONE, MARKETING = ConsentChannel.EMAIL, ConsentChannel.TELEPHONE, Purpose.MARKETING
MARCH, APRIL, MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in range(3, 8))
REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT)
GIVEN, WITHDRAWN = (fact(channel=EMAIL, purpose=MARKETING) for fact in (ConsentGiven, ConsentWithdrawn))
GIVE = GiveConsent(customer_id=ANA, channel=EMAIL, purpose=MARKETING)
WITHDRAW = WithdrawConsent(customer_id=ANA, channel=EMAIL, purpose=MARKETING)


class Told:
    """What customers' facts tell, folded as they come."""

    def __init__(self) -> None:
        self.of: defaultdict[UUID, Permissions] = defaultdict(lambda: UNTOLD)

    def tell(self, customer_id: UUID, at: datetime, *facts: Fact) -> None:
        for fact in facts:
            event = event_of(fact, stream=customer_id, subject=customer_id, at=at)
            self.of[customer_id] = evolve(self.of[customer_id], event)

    def merge(self, customer_id: CustomerId, into_id: CustomerId, at: datetime) -> None:
        self.tell(customer_id, at, CustomerMerged(into_id=into_id))
        self.tell(into_id, at, CustomerAbsorbed(absorbed_id=customer_id))

    def ask(self, customer_id: UUID, at: datetime, person_id: UUID | None = None) -> Standing:
        return standing(customer_id, Needed(person_id or customer_id, EMAIL, MARKETING), self.of.__getitem__, at)


def test_a_consent_is_told_once_and_again_when_something_differs() -> None:
    given(REGISTERED).when(GIVE).then(GIVEN)
    given(REGISTERED, GIVEN).when(GIVE).then()
    given(REGISTERED, GIVEN, WITHDRAWN).when(GIVE).then(GIVEN)
    longer = GiveConsent(customer_id=ANA, channel=EMAIL, purpose=MARKETING, valid_until=JUNE)
    given(REGISTERED, GIVEN).when(longer).then(ConsentGiven(channel=EMAIL, purpose=MARKETING, valid_until=JUNE))
    other = GiveConsent(customer_id=ANA, channel=PHONE, purpose=MARKETING)
    given(REGISTERED, GIVEN).when(other).then(ConsentGiven(channel=PHONE, purpose=MARKETING))


def test_what_was_never_permitted_can_be_forbidden() -> None:
    given(REGISTERED).when(WITHDRAW).then(WITHDRAWN)
    given(REGISTERED, WITHDRAWN).when(WITHDRAW).then()
    given(REGISTERED, GIVEN).when(WITHDRAW).then(WITHDRAWN)


def test_the_proof_of_a_consent_is_sealed() -> None:
    proven = GiveConsent(customer_id=ANA, channel=EMAIL, purpose=MARKETING, source="form", evidence="I agree")
    fact = ConsentGiven(channel=EMAIL, purpose=MARKETING, source="form", evidence=seal("I agree"))
    given(REGISTERED, GIVEN).when(proven).then(fact)


def test_a_contact_gives_a_consent_of_their_own() -> None:
    bens = GiveConsent(customer_id=ANA, channel=EMAIL, purpose=MARKETING, person_id=BEN)
    added = ContactAdded(person_id=BEN, name=seal("Ben"))
    fact = ConsentGiven(channel=EMAIL, purpose=MARKETING, person_id=BEN)
    given(REGISTERED, added, GIVEN).when(bens).then(fact)
    given(REGISTERED).when(bens).then_refused(UnknownError)


def test_a_consent_ends_after_it_begins() -> None:
    never = GiveConsent(customer_id=ANA, channel=EMAIL, purpose=MARKETING, valid_from=JUNE, valid_until=JUNE)
    given(REGISTERED).when(never).then_refused(InvalidError, match="before it begins")


def test_nothing_new_is_said_of_a_customer_who_is_unknown_merged_away_or_erased() -> None:
    for command in (GIVE, WITHDRAW):
        given().when(command).then_refused(UnknownError)
        given(REGISTERED, CustomerMerged(into_id=ANNE)).when(command).then_refused(MergedError)
        erased = PersonErased(person_ids=(PersonId(ANA),), everyone=True)
        given(REGISTERED, erased).when(command).then_refused(ErasedError)


def test_a_consent_stands_from_when_it_was_given_until_it_is_withdrawn() -> None:
    told = Told()
    assert told.ask(ANA, MARCH) is Standing.NONE
    told.tell(ANA, APRIL, GIVEN)
    assert [told.ask(ANA, at) for at in (MARCH, APRIL, JULY)] == [Standing.NOT_YET, Standing.GIVEN, Standing.GIVEN]
    told.tell(ANA, JUNE, WITHDRAWN)
    assert told.ask(ANA, JUNE) is Standing.WITHDRAWN


def test_a_consent_expires_without_a_fact() -> None:
    told = Told()
    told.tell(ANA, MARCH, GIVEN.model_copy(update={"valid_from": APRIL, "valid_until": JUNE}))
    expected = [Standing.NOT_YET, Standing.GIVEN, Standing.GIVEN, Standing.EXPIRED]
    assert [told.ask(ANA, at) for at in (MARCH, APRIL, MAY, JUNE)] == expected


def test_of_merged_customers_the_strictest_counts_under_either_id() -> None:
    told = Told()
    told.tell(ANA, MARCH, GIVEN)
    told.tell(ANNE, MARCH, WITHDRAWN)
    told.merge(ANNE, ANA, APRIL)
    assert (told.ask(ANA, MAY), told.ask(ANNE, MAY)) == (Standing.WITHDRAWN, Standing.WITHDRAWN)


def test_who_said_nothing_goes_by_what_the_other_said() -> None:
    told = Told()
    told.tell(ANNE, MARCH, GIVEN)
    told.merge(ANNE, ANA, APRIL)
    assert (told.ask(ANA, MAY), told.ask(ANNE, MAY)) == (Standing.GIVEN, Standing.GIVEN)


def test_what_is_said_after_the_merge_counts_alone_and_an_unmerge_parts_them_again() -> None:
    told = Told()
    told.tell(ANNE, MARCH, WITHDRAWN)
    told.merge(ANNE, ANA, APRIL)
    told.tell(ANA, MAY, GIVEN)
    assert (told.ask(ANA, MAY), told.ask(ANNE, MAY)) == (Standing.GIVEN, Standing.GIVEN)
    told.tell(ANNE, JUNE, CustomerUnmerged(from_id=ANA))
    told.tell(ANA, JUNE, CustomerReleased(released_id=ANNE))
    assert (told.ask(ANA, JULY), told.ask(ANNE, JULY)) == (Standing.GIVEN, Standing.WITHDRAWN)


def test_a_contacts_consent_is_not_the_customers() -> None:
    told = Told()
    told.tell(ANNE, MARCH, GIVEN.model_copy(update={"person_id": BEN}))
    told.merge(ANNE, ANA, APRIL)
    assert (told.ask(ANA, MAY), told.ask(ANA, MAY, BEN)) == (Standing.NONE, Standing.GIVEN)


def test_an_erased_person_permits_nothing_and_the_others_what_they_did() -> None:
    told = Told()
    told.tell(ANA, MARCH, GIVEN, GIVEN.model_copy(update={"person_id": BEN}))
    told.tell(ANA, APRIL, PersonErased(person_ids=(BEN,)))
    assert (told.ask(ANA, MAY), told.ask(ANA, MAY, BEN)) == (Standing.GIVEN, Standing.NONE)


def test_no_other_fact_changes_what_is_permitted() -> None:
    told = Told()
    told.tell(ANA, MARCH, REGISTERED)
    assert told.of[ANA] is UNTOLD


def test_the_stricter_standing_comes_first() -> None:
    assert strictest(reversed(Standing)) is Standing.WITHDRAWN
    assert strictest([Standing.GIVEN, Standing.EXPIRED]) is Standing.EXPIRED
    assert strictest([]) is Standing.NONE
