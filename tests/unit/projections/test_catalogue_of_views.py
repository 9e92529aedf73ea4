"""The catalogue names each view once, and says which columns are sealed."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from domain.personal import Sealed
from projections.catalogue import SERVICES, VIEWS, UnknownViewError, find_view, services

HIDDEN = {"alias", "employees", "customer_profile", "products", "partners", "availability", "territories"}


def test_every_read_model_is_shown_by_a_department() -> None:
    for service in SERVICES:
        shown = {name for name, view in VIEWS.items() if view.service == service.name}
        assert {model.name for model in service.models} - HIDDEN <= shown
    assert VIEWS.keys() >= HIDDEN - {"alias"}


def test_every_sealed_field_of_a_row_is_said_to_be_sealed() -> None:
    for service in SERVICES:
        for model in service.read_models:
            sealed = {name for name, hint in get_type_hints(model.row).items() if Sealed in (hint, *get_args(hint))}
            assert sealed <= {*VIEWS[model.name].view.sealed}


@pytest.mark.parametrize("shown", VIEWS.values(), ids=list(VIEWS))
def test_keys_and_sealed_columns_are_columns(shown: object) -> None:
    view = shown.view  # type: ignore[attr-defined]  # a Shown
    assert len(set(view.columns)) == len(view.columns)
    assert set(view.columns) >= {*view.key, *view.sealed, *([view.subject] if view.subject else [])}


def test_a_view_is_found_with_and_without_its_department() -> None:
    assert find_view("pipeline") is find_view("sales.pipeline")


@pytest.mark.parametrize("name", ["nothing", "marketing.pipeline", "sales.", ""])
def test_an_unknown_view_is_a_one_line_error(name: str) -> None:
    with pytest.raises(UnknownViewError, match="relato show"):
        find_view(name)


def test_the_services_can_be_had_with_the_days_of_another_time_zone() -> None:
    assert [service.name for service in services()] == ["sales", "marketing", "support", "partners", "audit"]
