"""What departments follow is declared from facts and fields that there are."""

from __future__ import annotations

import pytest

from domain.access.facts import Held, Role, Rows
from domain.fact import Fact
from projections.disclosure import NotAllowedError
from streams.departments import DEPARTMENTS, UnknownDepartmentError, find_department, grant_for


def test_each_department_follows_known_facts_and_names_fields_that_they_have() -> None:
    for department in DEPARTMENTS.values():
        assert department.types <= Fact.types.keys()
        assert department.fields.keys() <= department.types
        for type_, fields in department.fields.items():
            assert fields < Fact.types[type_].model_fields.keys(), (department.name, type_)


def test_nobody_follows_keys_and_roles() -> None:
    assert not [t for d in DEPARTMENTS.values() for t in d.types if t.startswith(("crm.access.", "crm.field."))]


def test_a_department_that_is_not_there_is_refused() -> None:
    assert find_department("sales").name == "sales"
    with pytest.raises(UnknownDepartmentError):
        find_department("kitchen")


def test_who_does_not_see_all_rows_or_not_the_department_has_no_grant() -> None:
    assert grant_for(frozenset({Held(Role.SALES)}), "sales").services == {"sales"}
    for held in (Held(Role.SALES, Rows.OWN), Held(Role.MANAGEMENT, Rows.TEAM), Held(Role.SUPPORT)):
        with pytest.raises(NotAllowedError):
            grant_for(frozenset({held}), "sales")
