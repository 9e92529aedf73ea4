"""The rules for a company's own fields and for the values given under them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.catalogue import REGISTRY
from domain.customer.commands import SetField
from domain.customer.facts import CustomerId
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from domain.field.commands import AmendField, DefineField, RetireField
from domain.field.decider import usable
from domain.field.facts import FieldAmended, FieldDefined, FieldId, FieldRetired, FieldType
from tests.given import given

CARD, ANA = FieldId(UUID(int=1)), CustomerId(UUID(int=2))
TEXT = FieldDefined(name="Nickname", entity="customer", type=FieldType.TEXT)
CHOICE = FieldDefined(name="Card", entity="customer", type=FieldType.CHOICE, clear=True, choices=("gold", "silver"))
RETIRED = FieldRetired()


def give(value: Any = None, clear: Any = None) -> SetField:
    return SetField(customer_id=ANA, field_id=CARD, value=value, clear=clear)


def test_a_field_is_defined_once_and_sealed_unless_said_otherwise() -> None:
    define = DefineField(field_id=CARD, name="Nickname")
    given().when(define).then(TEXT)
    given(TEXT).when(define).then_refused(ExistsError)


def test_a_choice_needs_choices_and_nothing_else_takes_them() -> None:
    choice = DefineField(field_id=CARD, name="Card", type=FieldType.CHOICE, clear=True, choices=("gold", "silver"))
    given().when(choice).then(CHOICE)
    given().when(choice.model_copy(update={"choices": ()})).then_refused(InvalidError)
    given().when(choice.model_copy(update={"type": FieldType.TEXT})).then_refused(InvalidError)


def test_a_field_is_amended_by_what_differs() -> None:
    amend = AmendField(field_id=CARD, name="Card", choices=("gold", "none"))
    given(CHOICE).when(amend).then(FieldAmended(choices=("gold", "none")))
    given(CHOICE, FieldAmended(choices=("gold", "none"))).when(amend).then()
    given(TEXT).when(amend).then_refused(InvalidError)
    given(CHOICE).when(AmendField(field_id=CARD, choices=())).then_refused(InvalidError)


def test_a_field_is_retired_once_and_then_left_alone() -> None:
    given(TEXT).when(RetireField(field_id=CARD)).then(RETIRED)
    given(TEXT, RETIRED).when(RetireField(field_id=CARD)).then()
    given(TEXT, RETIRED).when(AmendField(field_id=CARD, name="Alias")).then_refused(ConflictError)
    given().when(RetireField(field_id=CARD)).then_refused(UnknownError)


def test_setting_a_customers_field_relies_on_its_definition() -> None:
    targets = REGISTRY.named("customer.set_field").targets
    assert [(target.decider.name, target.field) for target in targets] == [
        ("customer", "customer_id"),
        ("field", "field_id"),
    ]
    assert targets[1].decider is usable


def test_a_value_needs_a_field_that_is_defined_and_not_retired() -> None:
    given(TEXT, decider=usable).when(give("Nini")).then()
    given(decider=usable).when(give("Nini")).then_refused(UnknownError)
    given(TEXT, RETIRED, decider=usable).when(give("Nini")).then_refused(ConflictError)


def test_a_value_is_sealed_or_clear_as_the_field_is_defined() -> None:
    given(TEXT, decider=usable).when(give(clear="Nini")).then_refused(InvalidError, match="kept sealed")
    given(CHOICE, decider=usable).when(give("gold")).then_refused(InvalidError, match="kept clear")


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_is_one_that_json_can_tell_again(number: float) -> None:
    for fields in ({"value": number}, {"clear": number}, {"clear": {"at": [number]}}):
        with pytest.raises(ValidationError, match="too large"):
            give(**fields)


def test_a_choice_is_one_of_those_there_are_now() -> None:
    amended = FieldAmended(choices=("gold", "none"))
    given(CHOICE, decider=usable).when(give(clear="silver")).then()
    given(CHOICE, amended, decider=usable).when(give(clear="silver")).then_refused(InvalidError)
    given(CHOICE, FieldAmended(name="Loyalty"), decider=usable).when(give(clear="silver")).then()


@pytest.mark.parametrize(
    ("type_", "fitting", "wrong"),
    [
        (FieldType.TEXT, ["Nini", ""], [1, True, ["Nini"], "x" * 2_001]),
        (FieldType.NUMBER, [0, 1.5, -3], ["1", True, {}]),
        (FieldType.BOOLEAN, [True, False], [0, 1, "true"]),
        (FieldType.DATE, ["2026-02-28"], ["2026-02-30", "28/02/2026", "20260228", 20260228]),
    ],
)
def test_a_clear_value_fits_its_fields_type(type_: FieldType, fitting: list[Any], wrong: list[Any]) -> None:
    defined = FieldDefined(name="Own", entity="customer", type=type_, clear=True)
    for value in fitting:
        given(defined, decider=usable).when(give(clear=value)).then()
    for value in wrong:
        given(defined, decider=usable).when(give(clear=value)).then_refused(InvalidError)
