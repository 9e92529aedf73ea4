"""What holds for every command and every decider, whichever aggregate it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from domain.catalogue import REGISTRY
from domain.customer.decider import present
from domain.decider import Command, Decider, Registry, Target
from domain.errors import UnknownCommandError
from domain.fact import Fact, decode
from domain.personal import Purpose, personal_fields

GOLDEN = Path(__file__).parent.parent.parent / "golden"
REGISTRATIONS = {registration.command.NAME: registration for registration in REGISTRY}
DECIDERS = {id(target.decider): target.decider for found in REGISTRY for target in found.targets}.values()
AMENDED = {found.command: found.amended_by for found in REGISTRY if found.amended_by}

every_amended = pytest.mark.parametrize(("creating", "amending"), AMENDED.items(), ids=lambda c: c.NAME)


def test_a_command_is_named_for_its_aggregate_and_explains_itself() -> None:
    for name, registration in REGISTRATIONS.items():
        aggregate, _, verb = name.partition(".")
        assert aggregate == registration.targets[0].decider.name
        assert verb
        assert registration.command.__dict__.get("__doc__"), name


def test_every_target_is_named_by_a_field_of_the_command() -> None:
    for registration in REGISTRY:
        assert {target.field for target in registration.targets} <= registration.command.model_fields.keys()


def test_a_command_that_names_a_customer_needs_one_who_is_there() -> None:
    for name, registration in REGISTRATIONS.items():
        if "customer_id" in registration.command.model_fields and not name.startswith("customer."):
            assert Target(present, "customer_id") in registration.targets, name


@every_amended
def test_an_amending_command_is_registered_for_the_same_stream(
    creating: type[Command], amending: type[Command]
) -> None:
    assert REGISTRATIONS[amending.NAME].targets[0] == REGISTRATIONS[creating.NAME].targets[0]


@every_amended
def test_an_amending_command_takes_what_the_creating_one_was_given(
    creating: type[Command], amending: type[Command]
) -> None:
    shared = creating.model_fields.keys() & amending.model_fields.keys()
    assert len(shared) > 1
    assert amending.model_fields.keys() == shared
    assert {name: personal_fields(creating).get(name) for name in shared} == {
        name: personal_fields(amending).get(name) for name in shared
    }


@pytest.mark.parametrize("decider", DECIDERS, ids=lambda decider: decider.name)
def test_no_fact_can_upset_a_decider_in_whatever_order_it_comes(decider: Decider[Any, Any, Any]) -> None:
    for facts in product(_golden_facts(decider), repeat=2):
        state = decider.initial
        for fact in facts:
            state = decider.evolve(state, fact)


def test_what_is_personal_is_known_by_name() -> None:
    assert {
        f"{found.command.NAME}.{name}": (mark.purpose, mark.person)
        for found in REGISTRY
        for name, mark in personal_fields(found.command).items()
    } == {
        "customer.register.name": (Purpose.SERVICE, None),
        "customer.register.reference": (Purpose.SERVICE, None),
        "customer.amend.name": (Purpose.SERVICE, None),
        "customer.amend.reference": (Purpose.SERVICE, None),
        "customer.add_contact_point.value": (Purpose.SERVICE, "person_id"),
        "customer.remove_contact_point.value": (Purpose.SERVICE, "person_id"),
        "customer.add_contact.name": (Purpose.SERVICE, "person_id"),
        "customer.note_need.note": (Purpose.MARKETING, None),
        "customer.give_consent.evidence": (Purpose.SERVICE, "person_id"),
        "customer.withdraw_consent.evidence": (Purpose.SERVICE, "person_id"),
        "customer.set_field.value": (Purpose.SERVICE, None),
        "interaction.log.content": (Purpose.SERVICE, None),
        "interaction.take_note.content": (Purpose.SERVICE, None),
        "interaction.correct.content": (Purpose.SERVICE, None),
        "contract.sign.document": (Purpose.SERVICE, None),
        "contract.amend.document": (Purpose.SERVICE, None),
        "order.place.note": (Purpose.SERVICE, None),
        "order.amend.note": (Purpose.SERVICE, None),
        "ticket.open.summary": (Purpose.SERVICE, None),
        "ticket.note.content": (Purpose.SERVICE, None),
        "employee.hire.name": (Purpose.EMPLOYMENT, None),
        "employee.hire.reference": (Purpose.EMPLOYMENT, None),
        "employee.amend.name": (Purpose.EMPLOYMENT, None),
        "employee.amend.reference": (Purpose.EMPLOYMENT, None),
    }


def test_a_command_that_nobody_registered_is_refused() -> None:
    with pytest.raises(UnknownCommandError):
        REGISTRY.named("customer.delete")


def test_a_name_is_registered_once() -> None:
    with pytest.raises(TypeError, match=r"customer\.register is taken"):
        Registry([REGISTRATIONS["customer.register"]] * 2)


def _golden_facts(decider: Decider[Any, Any, Any]) -> Iterator[Fact]:
    for file in GOLDEN.glob(f"crm.{decider.name}.*.json"):
        yield decode(file.name.removesuffix(".json"), file.read_bytes())
