"""What of a fact is shown: the fields that are named, as strictly as every version says, masked, under other names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.agreement.terms import Mask, Shown
from streams.feeds.masks import mask
from streams.feeds.showing import disguised, look_through, masked, window_of

OURS, THEIRS = UUID(int=1), UUID(int=2)
ORDER: dict[str, Any] = {
    "number": "17",
    "lines": (
        {"product_id": OURS, "quantity": 2, "amount_minor": 4_000},
        {"product_id": THEIRS, "quantity": 1, "amount_minor": 99},
    ),
    "amount": {"amount_minor": 4_099, "currency": "EUR"},
}


def shown(*fields: str, **masks: Mask) -> Shown:
    named = {name.replace("__", "."): found for name, found in masks.items()}
    return Shown(type="crm.order.placed.v1", fields=fields, masks=named)


def seen(told: Shown, now: Shown | None = None, content: dict[str, Any] = ORDER, *products: UUID) -> Any:
    window = window_of(told, now or told)
    return masked(window, look_through(window, content, products))


def test_nothing_is_shown_that_is_not_named() -> None:
    assert seen(shown()) == {}
    assert seen(shown("number")) == {"number": "17"}
    assert seen(shown("number", "note")) == {"number": "17"}


def test_a_part_of_a_field_is_shown_without_the_rest() -> None:
    assert seen(shown("lines.quantity")) == {"lines": [{"quantity": 2}, {"quantity": 1}]}
    both = seen(shown("lines.quantity", "lines"))
    assert both["lines"][1] == ORDER["lines"][1]
    assert seen(shown("lines", "lines.quantity")) == both


def test_of_lines_only_those_about_the_partners_products_are_shown() -> None:
    assert seen(shown("lines.quantity"), None, ORDER, OURS) == {"lines": [{"quantity": 2}]}
    assert seen(shown("lines"), None, ORDER, OURS)["lines"] == [ORDER["lines"][0]]


@pytest.mark.parametrize(
    ("told", "now", "left"),
    [
        (("number", "lines"), ("number",), {"number"}),
        (("number",), ("number", "lines"), {"number"}),
        (("number",), ("lines",), set()),
        (("number",), (), set()),
    ],
)
def test_under_two_versions_only_what_both_name_is_shown(
    told: tuple[str, ...], now: tuple[str, ...], left: set[str]
) -> None:
    assert seen(shown(*told), shown(*now)).keys() == left


def test_what_is_a_part_under_one_version_is_a_part_under_both() -> None:
    for told, now in ((("lines",), ("lines.quantity",)), (("lines.quantity",), ("lines",))):
        assert seen(shown(*told), shown(*now)) == {"lines": [{"quantity": 2}, {"quantity": 1}]}


def test_a_mask_of_either_version_holds_also_for_a_part() -> None:
    plain, digits = shown("amount"), shown("amount", amount=Mask.FIRST_DIGIT)
    for told, now in ((plain, digits), (digits, plain), (digits, shown("amount.amount_minor"))):
        assert seen(told, now)["amount"]["amount_minor"] == 4_000
    lines = shown("lines.amount_minor", lines__amount_minor=Mask.FIRST_DIGIT)
    assert seen(lines)["lines"] == [{"amount_minor": 4_000}, {"amount_minor": 90}]


@pytest.mark.parametrize(
    ("how", "value", "left"),
    [
        (Mask.YEAR, date(2026, 3, 1), "2026"),
        (Mask.YEAR, datetime(2026, 3, 1, tzinfo=UTC), "2026"),
        (Mask.MONTH, "2026-03-01T12:00:00Z", "2026-03"),
        (Mask.YEAR, "last year", None),
        (Mask.YEAR, 2026, None),
        (Mask.FIRST_LETTER, " Ana Lima", "A…"),
        (Mask.FIRST_LETTER, 7, None),
        (Mask.MAIL_DOMAIN, "ana@example.com", "example.com"),
        (Mask.MAIL_DOMAIN, "+351 912 345 678", None),
        (Mask.COUNTRY, "Rua X 1, Lisboa, PT", "PT"),
        (Mask.COUNTRY, "Rua X 1", None),
        (Mask.FIRST_DIGIT, 1_999, 1_000),
        (Mask.FIRST_DIGIT, -250, -200),
        (Mask.FIRST_DIGIT, 0, 0),
        (Mask.FIRST_DIGIT, "1999", None),
        (Mask.FIRST_DIGIT, True, None),
    ],
)
def test_a_mask_leaves_so_much_and_of_what_it_does_not_fit_nothing(how: Mask, value: object, left: object) -> None:
    assert mask(value, [how]) == left


def test_every_mask_leaves_something_of_something() -> None:
    values = ("2026-03-01", "ana@example.com, PT", 12)
    for how in Mask:
        assert any(mask(value, [how]) is not None for value in values)


def test_ids_of_persons_get_other_names_and_those_of_things_do_not() -> None:
    content = {
        "product_id": OURS,
        "person_id": THEIRS,
        "aliases": (THEIRS,),
        "lines": [{"product_id": OURS, "by": THEIRS}],
    }
    other = UUID(int=9)
    assert disguised(content, lambda _: other) == {
        "product_id": OURS, "person_id": other, "aliases": [other], "lines": [{"product_id": OURS, "by": other}],
    }  # fmt: skip
