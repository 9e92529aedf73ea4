"""Mapping files: ours are right, and what is wrong with others is told in one line, with its place."""

from __future__ import annotations

import pytest

from adapters.importers.compile import Compiler
from adapters.importers.errors import ColumnsMissingError, MappingError, UnknownFormatError
from adapters.importers.mapping import check_commands, known_formats, load_mapping, parse_mapping
from domain.catalogue import REGISTRY
from tests.unit.importers.given_rows import derive_id

RIGHT = """
language = 1
source = "shop"
title = "A shop"
[files.orders]
group_by = ["no"]
[[rules]]
name = "customer"
command = "customer.register"
per = "key"
key = [{ column = "customer" }]
fields = { customer_id = { id = "c", of = [{ column = "customer" }] } }
"""


def checked(text: str) -> None:
    check_commands(parse_mapping(text, "shop.toml"), REGISTRY)


@pytest.mark.parametrize("name", [known.name for known in known_formats()])
def test_each_of_ours_fits_the_commands_there_are(name: str) -> None:
    assert check_commands(load_mapping(name, None), REGISTRY)


def test_ours_are_listed_with_their_titles() -> None:
    assert {known.name for known in known_formats()} >= {"cdnow", "helpdesk", "maven-crm", "online-retail"}


def test_an_unknown_format_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownFormatError, match=r"known cdnow, .*online-retail"):
        load_mapping("hubspot", None)


def test_a_right_mapping_passes() -> None:
    checked(RIGHT)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("language = 1", "language = 2", "shop.toml: language: Input should be 1"),
        ('source = "shop"', 'source = "A shop"', "shop.toml: source: String should match"),
        ('source = "shop"', 'sauce = "shop"', "shop.toml: source: Field required"),
        ("language = 1", "language = ", "shop.toml is no TOML"),
        ('name = "customer"', 'name = "customer"\nfile = "invoices"', "no such file is declared: invoices"),
        ("[files.orders]", "[files.lines]\n[files.orders]", "with several files each rule names its file"),
        ("customer.register", "customer.greet", "rule customer: no command is called customer.greet"),
        ("customer_id =", "id =", "rule customer: customer.register has no id; it has customer_id, "),
        (
            "{ customer_id = { id = ",
            '{ name = "x", source = { id = ',
            "rule customer: customer.register needs customer",
        ),
        ('per = "key"', 'per = "row"', '`key` and per = "key" belong together'),
        ('per = "key"\nkey = [{ column = "customer" }]', "", "rule customer: say with `identity`"),
        ('group_by = ["no"]', 'group_by = ["no"]\nkey = 1', "files.orders.key: Extra inputs are not permitted"),
        ('{ column = "customer" }]', '{ colum = "customer" }]', "write a constant, or a table with one of: column"),
        ('{ column = "customer" }]', '{ column = "customer", cas = "upper" }]', "cas: Extra inputs"),
        ('per = "key"', 'per = "key"\namend = ["customer.mend"]', "no command is called customer.mend"),
        ("[files.orders]", "[files.orders.csv]\nheader = false\n[files.orders]", "without a header the columns"),
        ("[files.orders]", '[files.orders.csv]\ndelimiter = "--"\n[files.orders]', "the delimiter is one character"),
        ("[files.orders]", '[files.orders.csv]\nencoding = "utf-9"\n[files.orders]', "'utf-9' is no encoding of texts"),
        ("[files.orders]", '[files.orders.csv]\nencoding = "zip"\n[files.orders]', "'zip' is no encoding of texts"),
        ("[files.orders]", '[files.orders.csv]\nencoding = "idna"\n[files.orders]', "'idna' is no encoding of texts"),
        ("language = 1", 'language = 1\ntime_zone = "Europe/Rom"', "Europe/Rom is no time zone"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(right: str, wrong: str, message: str) -> None:
    assert right in RIGHT
    with pytest.raises(MappingError) as caught:
        checked(RIGHT.replace(right, wrong))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_group_needs_columns_to_be_grouped_by() -> None:
    text = RIGHT.replace('per = "key"\nkey = [{ column = "customer" }]', 'per = "group"').replace(
        'group_by = ["no"]', ""
    )
    with pytest.raises(MappingError, match="needs `group_by` in its file"):
        checked(text)


def test_two_rules_cannot_have_one_name() -> None:
    with pytest.raises(MappingError, match="two rules have the name customer"):
        checked(RIGHT + RIGHT[RIGHT.index("[[rules]]") :])


def test_columns_that_a_file_lacks_are_told_all_at_once_with_those_that_are_there() -> None:
    mapping = parse_mapping(RIGHT, "shop.toml")
    compiler = Compiler(mapping, check_commands(mapping, REGISTRY), derive_id, "importer")
    with pytest.raises(ColumnsMissingError) as caught:
        compiler.compile_plan("orders", "orders.csv", ["no;customer"], {})
    assert "missing customer, no, there no;customer" in str(caught.value)
