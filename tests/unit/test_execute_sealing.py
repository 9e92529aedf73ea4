"""Whose key a value is sealed under, and that nothing clear gets past it; whom an erasure reaches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from adapters.ids import uuid7
from adapters.keys.vault import SealingVault
from adapters.memory.ledger import MemoryLedger
from domain.catalogue import REGISTRY
from domain.customer.commands import AddContact
from domain.customer.facts import CustomerId, PersonId
from domain.erasure import ERASURES
from domain.errors import (
    ErasedError,
    UnavailableError,
)
from domain.event import Event
from domain.execute import Executor
from domain.fact import Fact
from domain.personal import ERASED, Purpose, Sealed, Secret, personal_fields, secrets_of
from streams.eraser import Eraser
from tests.world import NOW, ONE_LINE, World, fresh, order, value_of


@pytest.fixture
def world() -> World:
    return World()


def minors_form(world: World, person_id: Any, value: str) -> Sealed:
    """How the value is sealed for what is kept of a child; equal values seal equal."""
    [form] = world.vault.seal([Secret(person_id, Purpose.MINORS, value)])
    assert isinstance(form, Sealed)
    return form


class TestSealing:
    """Whose a value is shows in who must be erased to make it unreadable."""

    def test_a_contacts_values_are_the_contacts_own(self, world: World) -> None:
        customer_id, contact_id = world.customer(name="Acme"), uuid7()
        world.do("customer.add_contact", customer_id=customer_id, person_id=contact_id, name="Ana")
        contact = world.newest(customer_id).fact
        point = {"channel": "email", "value": "ana@example.com", "person_id": contact_id}
        world.do("customer.add_contact_point", customer_id=customer_id, **point)
        own = world.newest(customer_id).fact
        world.do("customer.add_contact_point", customer_id=customer_id, channel="email", value="info@example.com")
        shared = world.newest(customer_id).fact
        world.vault.erase([contact_id])
        assert world.open(value_of(contact, "name")) is ERASED
        assert world.open(value_of(own, "value")) is ERASED
        assert world.open(value_of(shared, "value")) == "info@example.com"

    @pytest.mark.parametrize(("minor", "purpose"), [(True, Purpose.MINORS), (False, Purpose.SERVICE)])
    def test_a_childs_name_has_a_purpose_of_its_own(self, *, minor: bool, purpose: Purpose) -> None:
        child = AddContact(customer_id=CustomerId(uuid7()), person_id=PersonId(uuid7()), name="Ana", minor=minor)
        assert secrets_of(child, child.customer_id) == [("name", Secret(child.person_id, purpose, "Ana"))]

    def test_what_is_said_of_a_child_later_has_that_purpose_too(self, world: World) -> None:
        customer_id, child = world.customer(), uuid7()
        world.do("customer.note_need", customer_id=customer_id, need="x", by=world.elsewhere)  # remembered so, no child
        world.do("customer.add_contact", customer_id=customer_id, person_id=child, name="Ana", minor=True)
        point = {"customer_id": customer_id, "channel": "email", "value": "ana@example.com", "person_id": child}
        world.do("customer.add_contact_point", by=world.elsewhere, **point)
        event = world.newest(customer_id)
        assert value_of(event.fact, "value") == minors_form(world, child, "ana@example.com")
        assert world.do("customer.add_contact_point", **point).places == ()
        assert world.do("customer.remove_contact_point", **point).version == event.stream_version + 1
        world.vault.erase([child])
        assert world.open(value_of(event.fact, "value")) is ERASED

    def test_a_child_whom_the_same_batch_tells_of_is_known_as_one(self, world: World) -> None:
        customer_id, child, grown = world.customer(), uuid7(), uuid7()
        batch = []
        for person, minor in ((child, True), (grown, False)):
            told = {"customer_id": customer_id, "person_id": person}
            batch.append((order("customer.add_contact", name="Ana", minor=minor, **told), fresh()))
            batch.append((order("customer.add_contact_point", channel="phone", value="1", **told), fresh()))
        world.here.execute_all(batch)
        points = [e.fact for e in world.ledger.load([customer_id]) if e.type == "crm.customer.contact_point_added.v1"]
        forms = [minors_form(world, person, "1") for person in (child, grown)]
        assert [value_of(point, "value") == form for point, form in zip(points, forms, strict=True)] == [True, False]

    def test_nor_does_the_short_way_seal_a_childs_values_for_another_purpose(self, world: World) -> None:
        told = {"customer_id": world.customer(), "person_id": uuid7()}
        world.do("customer.add_contact", name="Ana", minor=True, **told)
        adding = order("customer.add_contact_point", channel="phone", value="1", **told)
        begun = world.here.begin(adding, fresh(), lambda: None)
        assert begun is not None
        begun()
        form = minors_form(world, told["person_id"], "1")
        assert value_of(world.newest(told["customer_id"]).fact, "value") == form

    def test_a_customers_values_are_the_customers(self, world: World) -> None:
        a, b = world.customer(name="Ana"), world.customer(name="Ana")
        world.vault.erase([a])
        names = [world.open(value_of(world.newest(customer_id).fact, "name")) for customer_id in (a, b)]
        assert names == [ERASED, "Ana"]

    @pytest.mark.parametrize("by", ["here", "fresh"])
    def test_a_follow_ups_values_are_the_streams_subjects(self, world: World, by: str) -> None:
        customer_id, ticket_id = world.customer(), uuid7()
        world.do("ticket.open", ticket_id=ticket_id, customer_id=customer_id, summary="broken")
        executor = world.here if by == "here" else world.executor()
        world.do("ticket.note", ticket_id=ticket_id, content="she said so", by=executor)
        event = world.newest(ticket_id)
        assert event.subject_id == customer_id
        world.vault.erase([customer_id])
        assert world.open(value_of(event.fact, "content")) is ERASED

    def test_an_anonymous_streams_values_are_its_own_also_once_it_is_identified(self, world: World) -> None:
        customer_id, ticket_id = world.customer(), uuid7()
        world.do("ticket.open", ticket_id=ticket_id, summary="broken")
        world.do("ticket.identify_customer", ticket_id=ticket_id, customer_id=customer_id)
        world.do("ticket.note", ticket_id=ticket_id, content="she said so")
        facts = [event.fact for event in world.ledger.load([ticket_id])]
        world.vault.erase([customer_id])
        assert world.open(value_of(facts[0], "summary")) == "broken"
        world.vault.erase([ticket_id])
        assert [world.open(value_of(facts[0], "summary")), world.open(value_of(facts[2], "content"))] == [
            ERASED,
            ERASED,
        ]

    def test_a_stream_that_begins_while_a_value_is_sealed_does_not_leave_it_under_the_wrong_key(
        self, world: World
    ) -> None:
        customer_id, ticket_id = world.customer(), uuid7()
        opening = {"ticket_id": ticket_id, "customer_id": customer_id}
        world.ledger.after_load = lambda: world.do("ticket.open", by=world.elsewhere, **opening)
        world.do("ticket.note", ticket_id=ticket_id, content="she said so")
        event = world.newest(ticket_id)
        assert event.subject_id == customer_id
        world.vault.erase([customer_id])
        assert world.open(value_of(event.fact, "content")) is ERASED

    def test_a_note_on_anothers_interaction_is_that_ones(self, world: World) -> None:
        a, b, interaction_id = world.customer(), world.customer(), uuid7()
        logged = {"interaction_id": interaction_id, "customer_id": a, "channel": "email", "direction": "inbound"}
        world.do("interaction.log", **logged)
        note = {"interaction_id": interaction_id, "customer_id": b, "kind": "factual", "content": "likes blue"}
        world.do("interaction.take_note", **note)
        event = world.newest(interaction_id)
        assert event.subject_id == a
        world.vault.erase([a])
        assert world.open(value_of(event.fact, "content")) is ERASED

    def test_no_clear_value_reaches_the_ledger(self, world: World) -> None:
        customer_id = world.customer(name="Joaquina", reference="Ref Joaquina")
        contact = {"customer_id": customer_id, "person_id": uuid7(), "name": "Joaquina"}
        world.do("customer.add_contact", **contact)
        world.do("order.place", order_id=uuid7(), customer_id=customer_id, note="for Joaquina", **ONE_LINE)
        world.here.execute_all([(order("ticket.open", ticket_id=uuid7(), summary="Joaquina is angry"), fresh())])
        assert world.ledger.last_position() == 4
        assert not any(b"Joaquina" in event.data for event in world.ledger.read(0, 99))

    def test_no_fact_takes_clear_text_where_it_holds_personal_data(self) -> None:
        holders = [(f, name) for f in Fact.types.values() for name, i in f.model_fields.items() if _is_sealed(i)]
        assert len(holders) > 15
        for fact, name in holders:
            with pytest.raises(ValidationError) as refusal:
                fact.model_validate({name: "s1.looks_sealed"})
            assert (name,) in [error["loc"][:1] for error in refusal.value.errors()]

    def test_every_personal_field_of_a_command_meets_a_sealed_one_in_its_aggregates_facts(self) -> None:
        for registration in REGISTRY:
            own = [f for f in Fact.types.values() if registration.targets[0].decider.owns(f.TYPE)]
            for name in personal_fields(registration.command):
                infos = [fact.model_fields[name] for fact in own if name in fact.model_fields]
                assert all(_is_sealed(info) for info in infos), (registration.command.NAME, name)

    def test_keys_that_are_away_stop_the_command_and_write_nothing(self, world: World) -> None:
        class AwayVault(SealingVault):
            def __init__(self) -> None: ...
            def fingerprint(self, content: bytes) -> bytes:
                return content[:16]

            def seal(self, secrets: Sequence[Any]) -> Any:
                del secrets
                raise UnavailableError("the keys are away")

        executor = Executor(world.ledger, AwayVault(), REGISTRY, clock=lambda: NOW)
        with pytest.raises(UnavailableError, match="keys"):
            world.do("customer.register", customer_id=uuid7(), name="Ana", by=executor)
        assert world.ledger.last_position() == 0


class MemoryErasures:
    """The eraser's bookmark and questions over a ledger in memory."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger, self._position = ledger, 0

    def pending(self, limit: int) -> Sequence[Event]:
        events = self._ledger.read(self._position, 10_000)
        return [event for event in events if event.type in ERASURES][:limit]

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]:
        events = [e for e in self._ledger.read(0, 10_000) if e.type.endswith(".customer_identified.v1")]
        return [e.subject_id for e in events if json.loads(e.data)["customer_id"] == str(customer_id)]

    def done(self, position: int) -> None:
        self._position = max(self._position, position)


class TestErasure:
    @pytest.fixture
    def eraser(self, world: World) -> Eraser:
        return Eraser(MemoryErasures(world.ledger), world.vault, world.here)

    def test_erasing_a_customer_follows_every_alias_and_what_was_anonymous(self, world: World, eraser: Eraser) -> None:
        a, b, c, ticket_id, contact_id = world.customer(name="A"), world.customer(name="B"), uuid7(), uuid7(), uuid7()
        world.do("customer.register", customer_id=c, name="C")
        world.do("customer.add_contact", customer_id=a, person_id=contact_id, name="Rui")
        world.do("ticket.open", ticket_id=ticket_id, summary="broken")
        world.do("ticket.identify_customer", ticket_id=ticket_id, customer_id=a)
        world.do("customer.merge", customer_id=a, into_id=b)
        world.do("customer.erase", customer_id=b)
        assert eraser.run_once() == 2
        tokens = [event.fact for event in world.ledger.read(0, 99)]
        opened = {world.open(value) for fact in tokens for value in vars(fact).values() if isinstance(value, Sealed)}
        assert opened == {ERASED, "C"}
        assert world.vault.erased([a, b, c, ticket_id, contact_id]) == {a, b, ticket_id, contact_id}
        alias = world.newest(a)
        assert (alias.type, alias.origin) == ("crm.customer.person_erased.v1", "reactor")

    def test_carrying_an_erasure_out_again_changes_nothing(self, world: World, eraser: Eraser) -> None:
        a, b = world.customer(name="A"), world.customer(name="B")
        world.do("customer.merge", customer_id=a, into_id=b)
        world.do("customer.erase", customer_id=b)
        eraser.run_once()
        before = world.ledger.last_position()
        assert Eraser(MemoryErasures(world.ledger), world.vault, world.executor()).run_once() == 2
        assert world.ledger.last_position() == before

    def test_erasing_one_contact_leaves_the_customer(self, world: World, eraser: Eraser) -> None:
        a, contact_id = world.customer(name="A"), uuid7()
        world.do("customer.add_contact", customer_id=a, person_id=contact_id, name="Rui")
        world.do("customer.erase", customer_id=a, person_id=contact_id)
        eraser.run_once()
        assert world.vault.erased([a, contact_id]) == {contact_id}
        world.do("customer.amend", customer_id=a, name="Acme")

    def test_erasing_an_employee_leaves_the_colleagues_and_what_is_no_personal_value(
        self, world: World, eraser: Eraser
    ) -> None:
        eva, rui = uuid7(), uuid7()
        for employee_id, name in ((eva, "Eva"), (rui, "Rui")):
            world.do("employee.hire", employee_id=employee_id, name=name, reference=f"No {name}", region="north")
        world.do("employee.erase", employee_id=eva)
        assert eraser.run_once() == 1
        hired = [world.ledger.load([employee_id])[0].fact for employee_id in (eva, rui)]
        told = [[world.open(value_of(fact, name)) for name in ("name", "reference")] for fact in hired]
        assert told == [[ERASED, ERASED], ["Rui", "No Rui"]]
        assert value_of(hired[0], "region") == "north"
        assert world.vault.erased([eva, rui]) == {eva}
        with pytest.raises(ErasedError):
            world.do("employee.amend", employee_id=eva, name="Eva again")


def _is_sealed(info: Any) -> bool:
    return "Sealed" in str(info.annotation)
