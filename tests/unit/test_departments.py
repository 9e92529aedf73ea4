"""What departments follow is declared from facts and fields that there are."""

from __future__ import annotations

import pytest

from domain.access.facts import Held, Role, Rows
from domain.fact import Fact
from projections.disclosure import NotAllowedError
from streams.departments import (
    DEPARTMENTS,
    Department,
    UnknownDepartmentError,
    find_department,
    grant_for,
    history_share,
)


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


def test_a_history_is_of_what_the_departments_of_ones_roles_are_told_together() -> None:
    def share(*held: Held) -> Department:
        found = history_share(frozenset(held))
        assert found
        return found

    opened, added = "crm.ticket.opened.v1", "crm.attachment.added.v1"
    sales, support = find_department("sales"), find_department("support")
    assert (share(Held(Role.SALES)).types, share(Held(Role.SALES)).fields) == (sales.types, sales.fields)
    both = share(Held(Role.SALES), Held(Role.SUPPORT))
    assert both.types == sales.types | support.types
    assert opened in sales.fields
    assert opened not in both.fields
    assert both.fields[added] == sales.fields[added]
    assert opened not in share(Held(Role.MARKETING)).types
    assert share(Held(Role.MANAGEMENT, Rows.TEAM)).types >= both.types


def test_who_reads_the_whole_ledger_is_told_the_whole_history() -> None:
    for role in (Role.MANAGEMENT, Role.AUDITOR, Role.ADMINISTRATOR):
        assert history_share(frozenset({Held(role), Held(Role.SALES)})) is None
    with pytest.raises(NotAllowedError):
        history_share(frozenset({Held(Role.PARTNER)}))


def test_who_does_not_see_all_rows_or_not_the_department_has_no_grant() -> None:
    assert grant_for(frozenset({Held(Role.SALES)}), "sales").services == {"sales"}
    for held in (Held(Role.SALES, Rows.OWN), Held(Role.MANAGEMENT, Rows.TEAM), Held(Role.SUPPORT)):
        with pytest.raises(NotAllowedError):
            grant_for(frozenset({held}), "sales")
