"""The rules for how much there is of a product."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.errors import ConflictError, InvalidError, UnknownError
from domain.product.commands import ReportProductAvailability
from domain.product.facts import (
    Level,
    ProductAvailabilityReported,
    ProductId,
    ProductRegistered,
    ProductWithdrawn,
)
from tests.given import given

LANTERN, MAKER = ProductId(UUID(int=1)), UUID(int=4)
PRODUCT = ProductRegistered(name="Lantern")
FOUR_LEFT = ProductAvailabilityReported(level=Level.LOW, quantity=4, expected_on=date(2026, 3, 20))


def report(level: Level, quantity: int | None = None, **more: object) -> ReportProductAvailability:
    return ReportProductAvailability.model_validate(
        {"product_id": LANTERN, "level": level, "quantity": quantity, **more}
    )


def test_how_much_there_is_is_told_when_it_differs() -> None:
    four = report(Level.LOW, 4, expected_on="2026-03-20")
    given(PRODUCT).when(four).then(FOUR_LEFT)
    given(PRODUCT, FOUR_LEFT).when(four).then()
    gone = ProductAvailabilityReported(level=Level.OUT_OF_STOCK)
    given(PRODUCT, FOUR_LEFT).when(report(Level.OUT_OF_STOCK)).then(gone)
    given(PRODUCT, FOUR_LEFT, gone).when(four).then(FOUR_LEFT)


def test_what_a_partner_has_is_not_what_we_have() -> None:
    theirs = FOUR_LEFT.model_copy(update={"partner_id": MAKER})
    four = report(Level.LOW, 4, expected_on="2026-03-20", partner_id=MAKER)
    given(PRODUCT, FOUR_LEFT).when(four).then(theirs)
    given(PRODUCT, FOUR_LEFT, theirs).when(four).then()


@pytest.mark.parametrize(
    ("level", "quantity"), [(Level.IN_STOCK, 0), (Level.LOW, 0), (Level.OUT_OF_STOCK, 1), (Level.ON_ORDER, 7)]
)
def test_a_level_and_a_quantity_that_contradict_each_other_are_refused(level: Level, quantity: int) -> None:
    given(PRODUCT).when(report(level, quantity)).then_refused(InvalidError, match="do not fit")


def test_nothing_is_reported_of_a_product_that_is_not_sold() -> None:
    given().when(report(Level.LOW)).then_refused(UnknownError)
    given(PRODUCT, ProductWithdrawn()).when(report(Level.LOW)).then_refused(ConflictError)


def test_there_is_never_less_than_nothing() -> None:
    with pytest.raises(ValidationError):
        report(Level.LOW, -1)
