"""Commands' fields as options."""

from __future__ import annotations

import io
import sys

import pytest

from adapters.cli.fields import Field, fields_of, make, read_value
from adapters.cli.refusals import WrongUseError
from adapters.giving import made_ids
from domain.catalogue import REGISTRY
from domain.customer.commands import AddContact, RegisterCustomer, SetField
from domain.decider import Command
from domain.money import Money
from domain.order.commands import PlaceOrder
from domain.product.commands import RegisterProduct

ID = "0199b0c2-0000-7000-8000-000000000001"


def field(command: type[Command], name: str) -> Field:
    return next(found for found in fields_of(command) if found.name == name)


def test_every_command_of_the_registry_becomes_options_that_do_not_collide() -> None:
    reserved = {"--id", "--occurred-at", "--expected-version", "--json", "--help"}
    for registration in REGISTRY:
        options = [found.option for found in fields_of(registration.command)]
        assert len(set(options)) == len(options)
        assert not reserved & set(options)


def test_an_option_says_what_it_takes() -> None:
    assert field(PlaceOrder, "customer_id").metavar == "ID"
    assert field(RegisterCustomer, "kind").metavar == "person|company"
    assert field(RegisterProduct, "price").metavar == "MONEY"
    assert field(AddContact, "minor").metavar == "true|false"
    assert field(SetField, "value").metavar == "JSON"
    lines = field(PlaceOrder, "lines")
    assert (lines.metavar, lines.is_list) == ("JSON", True)
    assert "product_id, quantity, amount_minor, unit_price?" in lines.help


def test_money_is_written_as_amount_and_currency() -> None:
    made = make(RegisterProduct, {"product_id": ID, "name": "Lamp", "price": "12.34 EUR"})
    assert isinstance(made, RegisterProduct)
    assert made.price == Money(amount_minor=1234, currency="EUR")


def test_lines_are_given_as_one_list_or_one_by_one() -> None:
    lines, one = field(PlaceOrder, "lines"), '{"product_id": "x"}'
    assert read_value(lines, [f"[{one}, {one}]"]) == read_value(lines, [one, one]) == [{"product_id": "x"}] * 2


def test_a_value_of_any_type_is_json_or_else_text() -> None:
    value = field(SetField, "value")
    assert [read_value(value, typed) for typed in ("38", "true", '"38"', "blue")] == [38, True, "38", "blue"]


def test_a_value_is_read_from_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    name = field(RegisterCustomer, "name")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Zoë".encode())))
    assert read_value(name, "@-") == "Zoë"
    assert read_value(name, "@@ana") == "@ana"


def test_every_wrong_field_has_a_line_that_names_it_and_repeats_nothing() -> None:
    with pytest.raises(WrongUseError) as caught:
        make(RegisterCustomer, {"customer_id": "no id", "kind": "robot", "name": "Ana " * 100})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["--customer-id", "--name", "--kind"]
    assert "Ana" not in str(caught.value)


def test_what_is_wrong_inside_a_list_is_told_where_it_is() -> None:
    with pytest.raises(WrongUseError) as caught:
        make(PlaceOrder, {"order_id": ID, "number": "1", "currency": "EUR", "lines": [{"product_id": ID}]})
    assert caught.value.faults == ["--lines 0 quantity: is needed", "--lines 0 amount_minor: is needed"]


def test_the_ids_of_what_is_new_can_be_made() -> None:
    assert made_ids(RegisterCustomer, "customer_id") == ["customer_id"]
    assert made_ids(AddContact, "customer_id") == ["customer_id", "person_id"]
    assert made_ids(PlaceOrder, "order_id") == ["order_id"]
