"""The rows of marketing: customers, purchases and interactions."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.customer.facts import (
    ContactAdded,
    ContactPointAdded,
    ContactPointRemoved,
    ContactRemoved,
    CustomerAmended,
    CustomerId,
    CustomerMerged,
    CustomerRegistered,
    CustomerStageChanged,
    CustomerUnmerged,
    FieldSet,
    Kind,
    NeedNoted,
    PersonErased,
    PersonId,
    Stage,
)
from domain.field.facts import FieldAmended, FieldDefined, FieldRetired, FieldType
from domain.interaction.facts import Channel, Direction, InteractionLogged
from domain.order.facts import Line, OrderAmended, OrderCancelled, OrderKind, OrderPlaced
from projections.marketing.customer_profile import CustomerProfile, customer_profile
from projections.marketing.fields import fields
from projections.marketing.interactions import interactions
from projections.marketing.purchases import purchases_in
from projections.rows import RowMissingError
from tests.given import seal
from tests.unit.projections.folding import AGENT, STREAM, SUBJECT, after, event_of, fold

REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT, name=seal("Anna"), source="fair")
PERSON = PersonId(UUID(int=31))
CONTACT = ContactAdded(person_id=PERSON, name=seal("Ben"), role="buyer")
E_MAIL = ContactPointAdded(channel="email", value=seal("a@example.org"), label="home")
SALE = OrderPlaced(
    number="1", kind=OrderKind.SALE, currency="EUR", lines=(Line(product_id=UUID(int=1), quantity=2, amount_minor=500),)
)
purchases = purchases_in(UTC)


def profile(*facts: object) -> CustomerProfile:
    return fold(customer_profile, REGISTERED, *facts, stream=STREAM, subject=STREAM)  # type: ignore[arg-type]  # facts


def test_a_customer_keeps_what_an_amendment_leaves_out_and_moves_through_the_stages() -> None:
    row = profile(CustomerAmended(country="PT", seller_id=AGENT), CustomerStageChanged(stage=Stage.CUSTOMER))
    assert (row.name, row.source, row.country, row.seller_id, row.stage) == (
        seal("Anna"),
        "fair",
        "PT",
        AGENT,
        "customer",
    )


def test_needs_are_kept_once_each_in_the_order_they_were_noted() -> None:
    row = profile(NeedNoted(need="chairs"), NeedNoted(need="desks"), NeedNoted(need="chairs", note=seal("red")))
    assert row.needs == ("chairs", "desks")


def test_contacts_come_and_go() -> None:
    assert [c["role"] for c in profile(CONTACT).contacts] == ["buyer"]
    assert profile(CONTACT, ContactRemoved(person_id=PERSON)).contacts == ()
    assert len(profile(CONTACT, ContactRemoved(person_id=PERSON), CONTACT).contacts) == 1


def test_a_contact_point_is_removed_by_what_it_is_and_whose() -> None:
    of_contact = E_MAIL.model_copy(update={"person_id": PERSON})
    gone = ContactPointRemoved(channel="email", value=seal("a@example.org"))
    row = profile(E_MAIL, CONTACT, of_contact, gone)
    assert [point["person_id"] for point in row.contact_points] == [str(PERSON)]


def test_a_companys_own_field_has_its_last_value_with_arrays_as_tuples() -> None:
    field = UUID(int=41)
    row = profile(FieldSet(field_id=field, clear=["a", ["b"]]), FieldSet(field_id=AGENT, sealed=seal(3)))
    assert row.fields == {str(field): ("a", ("b",)), str(AGENT): seal(3)}
    assert profile(FieldSet(field_id=field, clear=1), FieldSet(field_id=field, clear=False)).fields == {
        str(field): False
    }


def test_a_field_has_its_last_name_and_choices_and_says_when_it_was_retired() -> None:
    defined = FieldDefined(name="Card", entity="customer", type=FieldType.CHOICE, clear=True, choices=("red", "blue"))
    row = fold(fields, defined, FieldAmended(choices=("red",)), FieldAmended(name="Loyalty card"), FieldRetired())
    assert (row.field_id, row.name, row.type, row.clear) == (STREAM, "Loyalty card", "choice", True)
    assert (row.choices, row.defined_at, row.retired_at) == (("red",), after(0), after(3))


def test_a_merge_and_its_undoing_leave_the_row_as_it_was() -> None:
    other = CustomerId(UUID(int=51))
    assert profile(CustomerMerged(into_id=other)).merged_into == other
    assert profile(CustomerMerged(into_id=other), CustomerUnmerged(from_id=other)) == profile()


def test_an_erased_customer_keeps_what_is_sealed() -> None:
    row = profile(CONTACT, PersonErased(person_ids=(PERSON,)))
    assert (row.erased, row.contacts) == (False, profile(CONTACT).contacts)
    row = profile(PersonErased(person_ids=(PersonId(STREAM),), everyone=True))
    assert (row.erased, row.name) == (True, seal("Anna"))


def test_a_purchase_counts_its_last_lines_and_is_marked_when_cancelled() -> None:
    more = OrderAmended(lines=(Line(product_id=UUID(int=1), quantity=1, amount_minor=900),))
    row = fold(purchases, SALE, more, OrderAmended(note=seal("x")), OrderCancelled())
    assert (row.subject_id, row.amount_minor, row.currency, row.cancelled) == (SUBJECT, 900, "EUR", True)


@pytest.mark.parametrize(("quantity", "amount_minor"), [(2, 500), (-2, -500), (1, 0)])
def test_a_return_is_money_that_goes_however_it_was_recorded(quantity: int, amount_minor: int) -> None:
    line = Line(product_id=UUID(int=1), quantity=quantity, amount_minor=amount_minor)
    row = fold(purchases, SALE.model_copy(update={"kind": OrderKind.RETURN, "lines": (line,)}))
    assert row.amount_minor == -abs(amount_minor)


@pytest.mark.parametrize(("zone", "day"), [(UTC, date(2025, 3, 3)), (ZoneInfo("Asia/Tokyo"), date(2025, 3, 4))])
def test_the_day_of_an_order_is_the_companys(zone: tzinfo, day: date) -> None:
    at = datetime(2025, 3, 3, 23, 30, tzinfo=UTC)
    row = purchases_in(zone).evolve(None, event_of(SALE, at=at))
    assert row is not None
    assert (row.day, row.placed_at) == (day, at)


def test_interactions_are_counted_by_direction_and_dated_by_when_they_were() -> None:
    logged = [InteractionLogged(channel=Channel.EMAIL, direction=d) for d in (Direction.INBOUND, Direction.OUTBOUND)]
    row = fold(interactions, *logged, stream=STREAM, subject=SUBJECT)
    assert (row.inbound, row.outbound, row.first_contact_at, row.last_contact_at) == (1, 1, after(0), after(1))
    earlier = interactions.evolve(row, event_of(logged[0], at=after(-60)))
    assert earlier is not None
    assert (earlier.first_contact_at, earlier.last_contact_at) == (after(-60), after(1))


def test_what_is_said_inside_the_company_is_no_contact() -> None:
    row = fold(interactions, InteractionLogged(channel=Channel.OTHER, direction=Direction.INTERNAL))
    assert (row.internal, row.last_contact_at) == (1, None)


def test_a_fact_of_a_row_that_was_never_begun_raises_so_that_it_is_parked() -> None:
    with pytest.raises(RowMissingError):
        customer_profile.evolve(None, event_of(NeedNoted(need="chairs")))
    with pytest.raises(RowMissingError):
        fields.evolve(None, event_of(FieldRetired()))
    with pytest.raises(RowMissingError):
        purchases.evolve(None, event_of(OrderCancelled()))
