"""What one process reads, another has as it was: commands, contexts, refusals, rows for the file of rejects."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.importers.compile import Compiler
from adapters.importers.items import Item
from adapters.importers.mapping import check_commands, parse_mapping
from adapters.importers.parcels import Packer, unpack
from adapters.importers.plan import Plan
from adapters.keys.derivation import Derivation
from domain.catalogue import REGISTRY
from domain.decision import content_of, fingerprint_of
from tests.unit.importers.given_rows import rows_in

MAPPING = """
language = 1
source = "shop"
title = "Customers, their orders, and a field of the company's own"
time_zone = "Europe/Lisbon"

[files.lines]
group_by = ["order"]

[[rules]]
name = "customer"
command = "customer.register"
per = "key"
key = [{ column = "customer" }]
at = { time = { column = "time" } }
[rules.fields]
customer_id = { id = "customer", of = [{ column = "customer" }] }
name = { column = "name" }

[[rules]]
name = "size"
command = "customer.set_field"
per = "key"
key = [{ column = "customer" }]
[rules.fields]
customer_id = { id = "customer", of = [{ column = "customer" }] }
field_id = { id = "field", of = ["size"] }
clear = { number = { column = "price" } }

[[rules]]
name = "order"
command = "order.place"
per = "group"
[rules.fields]
order_id = { id = "order", of = [{ column = "order" }] }
number = { column = "order" }
customer_id = { id = "customer", of = [{ column = "customer" }] }
currency = "EUR"
[rules.fields.lines.each]
product_id = { id = "product", of = [{ column = "product" }] }
quantity = { whole = { column = "quantity" } }
unit_price = { decimal = { column = "price" } }
amount_minor = { minor = { multiply = [{ column = "quantity" }, { column = "price" }] }, currency = "EUR" }
"""
LINES = """order,customer,name,time,product,quantity,price
1,c1,Zoë Ångström,2026-01-05 10:00,apple,2,1.50
1,c1,Zoë Ångström,2026-01-05 10:00,"pear, ripe",1,0.40
2,c2,Bela,yesterday,apple,one,1.50
3,c3,,2026-01-06 11:00,fig,3
3,c3,,2026-01-06 11:00,fig,3,0.10
"""
DERIVATION = Derivation(bytes(32))


def a_plan() -> Plan:
    mapping = parse_mapping(MAPPING, "shop.toml")
    compiler = Compiler(mapping, check_commands(mapping, REGISTRY), DERIVATION.derive_id, "importer")
    return compiler.compile_plan("lines", "lines.csv", LINES.partition("\n")[0].split(","), {})


def taken(plan: Plan) -> list[Item]:
    return [*(item for row in rows_in(LINES) for item in plan.take(row, live=True)), *plan.finish()]


def seen(item: Item) -> tuple[Any, ...]:
    rows = [(row.number, row.repeat, list(row.values)) for row in item.rows]
    refusal = item.refusal and (item.refusal.reason, str(item.refusal))
    return item.rule, item.shown_identity, rows, item.amendable, refusal


@pytest.fixture
def made() -> tuple[Sequence[Item], Sequence[Item]]:
    """Items, and the same after the way to another process."""
    here, there = a_plan(), a_plan()
    items = taken(here)
    parcel = pickle.loads(pickle.dumps(Packer(here.recipes, DERIVATION.fingerprint).pack(items)))
    return items, unpack(parcel, there.recipes)


def test_rows_identities_and_refusals_arrive(made: tuple[Sequence[Item], Sequence[Item]]) -> None:
    items, arrived = made
    assert [seen(item) for item in arrived] == [seen(item) for item in items]
    assert {item.rule for item in items if item.refusal} == {"*", "customer", "order"}


def test_orders_arrive_with_the_fingerprint_of_what_they_say(made: tuple[Sequence[Item], Sequence[Item]]) -> None:
    items, arrived = made
    assert {item.rule for item in items if item.order} == {"customer", "size", "order"}
    for item, other in zip(items, arrived, strict=True):
        assert bool(item.order) == bool(other.order)
        if item.order and other.order:
            command, context = item.order
            print_ = fingerprint_of(command, content_of(command), DERIVATION.fingerprint)
            assert other.order == (command, context._replace(fingerprint=print_))


def test_what_is_derived_in_another_process_is_the_same() -> None:
    other = pickle.loads(pickle.dumps(DERIVATION))
    assert other.derive_id("shop", "17") == DERIVATION.derive_id("shop", "17")
    assert other.fingerprint(b"it") == DERIVATION.fingerprint(b"it") != Derivation(bytes(31) + b"1").fingerprint(b"it")
