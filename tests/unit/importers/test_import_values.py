"""Each form of a value, and what it says of a row that does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from adapters.importers.errors import MappingError
from adapters.importers.rows import Row, RowError
from adapters.importers.scope import Table
from adapters.importers.values import compile_value
from tests.unit.importers.given_rows import EXPRESSION, derive_id, row_of, scope_of, value_of, written


def test_a_constant_is_itself() -> None:
    assert value_of('"customer"') == "customer"
    assert value_of("7") == 7
    assert value_of("true") is True


def test_a_column_is_its_text_without_blanks_around_it() -> None:
    assert value_of('{ column = "name" }', name="  Ada  ") == "Ada"


def test_a_blank_column_is_missing() -> None:
    assert value_of('{ column = "name" }', name="  ") is None


def test_a_suffix_is_removed() -> None:
    assert value_of('{ column = "id", remove_suffix = ".0" }', id="17850.0") == "17850"


def test_a_prefix_is_removed() -> None:
    assert value_of('{ column = "id", remove_prefix = "C" }', id="C536379") == "536379"


def test_letters_are_raised_or_lowered() -> None:
    assert value_of('{ column = "code", case = "upper" }', code="85123a") == "85123A"
    assert value_of('{ column = "code", case = "lower" }', code="DOT") == "dot"


def test_words_for_nothing_are_missing() -> None:
    assert value_of('{ column = "country", empty_as = ["Unspecified", "n/a"] }', country="n/a") is None


def test_a_map_written_in_place_replaces_what_it_knows_and_keeps_the_rest() -> None:
    form = '{ column = "product", map = { GTXPro = "GTX Pro" } }'
    assert value_of(form, product="GTXPro") == "GTX Pro"
    assert value_of(form, product="MG Special") == "MG Special"


def test_a_map_may_have_a_name_and_refuse_what_it_does_not_know() -> None:
    form = '{ column = "colour", map = "colours", unmapped = "refuse" }'
    assert value_of(form, colour="rd") == "red"
    with pytest.raises(RowError, match="'blu' is not in the map"):
        value_of(form, colour="blu")


def test_a_map_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(MappingError, match="map shades, known colours"):
        value_of('{ column = "colour", map = "shades" }', colour="rd")


def test_an_id_comes_from_its_namespace_and_its_parts() -> None:
    assert value_of('{ id = "shop", of = [{ column = "a" }] }', a="x") == derive_id("shop", "x")
    assert value_of('{ id = "shop", of = [{ column = "a" }, { column = "b" }] }', a="x", b="y") == derive_id(
        "shop", "x\0y"
    )


def test_an_id_of_a_constant_is_the_same_for_all_rows() -> None:
    assert value_of('{ id = "shop", of = ["CD"] }') == derive_id("shop", "CD")


def test_an_id_is_missing_when_a_part_is() -> None:
    assert value_of('{ id = "shop", of = [{ column = "a" }, { column = "b" }] }', a="x", b="") is None


def test_parts_do_not_run_together() -> None:
    form = '{ id = "shop", of = [{ column = "a" }, { column = "b" }] }'
    assert value_of(form, a="x", b="yz") != value_of(form, a="xy", b="z")


def test_a_short_id_can_be_read_by_humans() -> None:
    found = value_of('{ short_id = { id = "shop", of = [{ column = "a" }] } }', a="x")
    assert found == derive_id("shop", "x").hex[:12]


def test_the_first_value_that_is_there_is_taken() -> None:
    form = '{ first_of = [{ column = "a" }, { column = "b" }, "c"] }'
    assert value_of(form, a="", b="two") == "two"
    assert value_of(form, a="", b="") == "c"


def test_texts_are_joined_without_what_is_missing() -> None:
    form = '{ join = [{ column = "a" }, { column = "b" }, { column = "c" }], with = ", " }'
    assert value_of(form, a="Rua", b="", c="Lisboa") == "Rua, Lisboa"
    assert value_of(form, a="", b="", c="") is None


def test_the_first_case_that_holds_is_chosen() -> None:
    form = (
        '{ choose = [{ when = { column = "n", starts_with = "C" }, then = "return" }, '
        '{ when = { column = "n", starts_with = "A" }, then = "adjustment" }], otherwise = "sale" }'
    )
    assert [value_of(form, n=n) for n in ("C1", "A1", "1")] == ["return", "adjustment", "sale"]


def test_nothing_is_chosen_when_no_case_holds() -> None:
    assert value_of('{ choose = [{ when = { column = "n", empty = true }, then = "x" }] }', n="1") is None


def test_a_time_without_zone_is_the_mapping_s_clock() -> None:
    assert value_of('{ time = { column = "t" } }', t="2011-07-01 12:00:00") == datetime(2011, 7, 1, 10, tzinfo=UTC)


def test_a_time_may_have_a_zone_of_its_own() -> None:
    form = '{ time = { column = "t" }, zone = "America/New_York" }'
    assert value_of(form, t="2011-01-01 12:00:00") == datetime(2011, 1, 1, 17, tzinfo=UTC)


def test_a_stamped_zone_is_believed() -> None:
    assert value_of('{ time = { column = "t" } }', t="2011-07-01T12:00:00+05:00") == datetime(2011, 7, 1, 7, tzinfo=UTC)


def test_a_stamped_zone_is_dropped_for_the_clock_on_the_wall() -> None:
    form = '{ time = { column = "t" }, wall_clock = true }'
    noon = datetime(2012, 10, 9, 12, 50, 17, tzinfo=UTC)
    assert value_of(form, t="2012-10-09T14:50:17.000+03:00") == noon
    assert value_of(form, t="2012-10-09 14:50:17+00:00") == noon


@pytest.mark.parametrize("told", ["0001-01-01 00:00:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_of_another_era_in_utc_rejects_its_row(told: str) -> None:
    with pytest.raises(RowError, match="no time that can be kept"):
        value_of('{ time = { column = "t" } }', t=told)


def test_a_time_may_have_a_form_of_its_own() -> None:
    form = '{ time = { column = "t" }, format = "%Y%m%d" }'
    assert value_of(form, t="19970101") == datetime(1996, 12, 31, 23, tzinfo=UTC)


def test_what_is_no_time_is_told_with_the_form() -> None:
    with pytest.raises(RowError, match="'soon' is no time of the form ISO 8601"):
        value_of('{ time = { column = "t" } }', t="soon")
    with pytest.raises(RowError, match="'19971301' is no time of the form %Y%m%d"):
        value_of('{ time = { column = "t" }, format = "%Y%m%d" }', t="19971301")


def test_a_missing_time_falls_to_another_column_or_a_constant() -> None:
    form = '{ first_of = [{ time = { column = "a" } }, { time = { column = "b" } }, 2017-12-31] }'
    assert value_of(form, a="", b="2017-03-01") == datetime(2017, 2, 28, 23, tzinfo=UTC)
    assert value_of(form, a="", b="") == date(2017, 12, 31)


def test_an_unknown_time_zone_is_told() -> None:
    with pytest.raises(MappingError, match="Europe/Atlantis is no time zone"):
        value_of('{ time = { column = "t" }, zone = "Europe/Atlantis" }', t="2011-07-01")


def test_a_day_is_read() -> None:
    assert value_of('{ date = { column = "d" }, format = "%d/%m/%Y" }', d="24/12/2025") == date(2025, 12, 24)


def test_a_whole_number_is_read_and_nothing_else() -> None:
    assert value_of('{ whole = { column = "n" } }', n="-12") == -12
    for wrong, why in (("1.5", "is not a whole number"), ("a", "is not a number"), ("1_000", "is not a number")):
        with pytest.raises(RowError, match=f"'{wrong}' {why}"):
            value_of('{ whole = { column = "n" } }', n=wrong)


def test_a_number_is_as_json_has_it() -> None:
    assert value_of('{ number = { column = "n" } }', n="1996") == 1996
    assert value_of('{ number = { column = "n" } }', n="1100.04") == 1100.04


def test_a_decimal_stays_exact() -> None:
    assert value_of('{ decimal = { column = "n" } }', n="1e3") == "1000"
    assert value_of('{ decimal = { column = "n" } }', n="0.001") == "0.001"


def test_infinity_is_not_a_number() -> None:
    with pytest.raises(RowError, match="is not a number"):
        value_of('{ decimal = { column = "n" } }', n="Infinity")


def test_money_is_in_minor_units() -> None:
    assert value_of('{ minor = { column = "n" }, currency = "USD" }', n="11.77") == 1177
    assert value_of('{ minor = { column = "n" }, currency = "JPY" }', n="1177") == 1177


def test_money_with_too_many_digits_is_refused_unless_it_is_rounded() -> None:
    with pytest.raises(RowError, match=r"'0\.125' is no amount in GBP"):
        value_of('{ minor = { column = "n" }, currency = "GBP" }', n="0.125")
    assert value_of('{ minor = { column = "n" }, currency = "GBP", rounded = true }', n="0.125") == 13


def test_a_currency_that_does_not_exist_is_told_before_a_row_is_read() -> None:
    with pytest.raises(MappingError, match="currency XYZ"):
        value_of('{ minor = { column = "n" }, currency = "XYZ" }', n="1")


def test_numbers_are_computed_exactly() -> None:
    assert value_of('{ multiply = [{ column = "q" }, { column = "p" }] }', q="3", p="0.1") == Decimal("0.3")
    assert value_of('{ add = [{ column = "q" }, 2] }', q="0.1") == Decimal("2.1")
    assert value_of('{ subtract = [{ column = "q" }, { column = "p" }] }', q="3", p="0.1") == Decimal("2.9")
    assert value_of('{ negate = { column = "q" } }', q="3") == Decimal(-3)
    assert value_of('{ absolute = { column = "q" } }', q="-3") == Decimal(3)


def test_what_is_computed_of_something_missing_is_missing() -> None:
    assert value_of('{ multiply = [{ column = "q" }, { column = "p" }] }', q="3", p="") is None


def test_identical_rows_are_told_apart_by_their_number() -> None:
    assert value_of("{ occurrence = true }") == 1
    assert value_of("{ row_number = true }") == 1


def test_the_counter_needs_to_know_what_makes_rows_identical() -> None:
    with pytest.raises(MappingError, match="occurrence, needs `identical` in the file"):
        compile_value(EXPRESSION.validate_python(written("{ occurrence = true }")), scope_of())


def test_an_object_has_fields_and_leaves_out_what_is_missing() -> None:
    assert value_of('{ object = { a = { column = "a" }, b = { column = "b" }, c = 1 } }', a="x", b="") == {
        "a": "x",
        "c": 1,
    }


def test_a_list_leaves_out_what_is_missing() -> None:
    assert value_of('{ list = [{ column = "a" }, { column = "b" }] }', a="", b="y") == ["y"]


def test_a_group_gives_an_entry_for_each_row() -> None:
    rows = [row_of("a"), row_of("b")]
    rows[0].group = rows
    form = EXPRESSION.validate_python(written('{ each = { code = { column = "code" } } }'))
    assert compile_value(form, scope_of("code", grouped=True))(rows[0]) == [{"code": "a"}, {"code": "b"}]


def test_entries_need_a_group() -> None:
    form = EXPRESSION.validate_python(written('{ each = { code = { column = "code" } } }'))
    with pytest.raises(MappingError, match="needs per"):
        compile_value(form, scope_of("code"))


def test_another_file_s_row_is_looked_up() -> None:
    table = Table({"product": 0, "price": 1}, {"GTX": Row(["GTX", "550"], 1)})
    look = EXPRESSION.validate_python(written('{ lookup = "prices", key = [{ column = "p" }], take = "price" }'))
    value = compile_value(look, scope_of("p", tables={"prices": table}))
    assert (value(row_of("GTX")), value(row_of("MG")), value(row_of(""))) == ("550", None, None)


def test_a_lookup_of_a_column_that_is_not_there_is_told() -> None:
    table = Table({"product": 0}, {})
    look = EXPRESSION.validate_python(written('{ lookup = "prices", key = [{ column = "p" }], take = "price" }'))
    with pytest.raises(MappingError, match="take price, columns product"):
        compile_value(look, scope_of("p", tables={"prices": table}))
    with pytest.raises(MappingError, match="lookup prices, known none"):
        compile_value(look, scope_of("p"))


def test_an_error_names_its_field_and_the_reason_is_free_of_the_value() -> None:
    with pytest.raises(RowError, match="lines: quantity: 'many' is not a number") as caught:
        value_of('{ object = { lines = { object = { quantity = { whole = { column = "q" } } } } } }', q="many")
    assert caught.value.reason == "lines: quantity: is not a number"


def test_ids_are_uuids() -> None:
    assert isinstance(value_of('{ id = "a", of = ["b"] }'), UUID)
