"""Who may find what, and what is told of it: what is not for the role was not found, long texts are told in part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, get_args
from uuid import UUID

import pytest

from adapters.memory.vault import memory_vault
from domain.access.facts import Held, Role, Rows
from domain.customer.facts import ContactAdded
from domain.fact import Fact
from domain.personal import Purpose
from projections.asking import AskedWrongError
from projections.disclosure import NotAllowedError
from projections.search.answer import EXCERPT, Behind, Hit, excerpt, find
from projections.search.fields import FIELDS, Kind, shares_of
from projections.search.question import Blind, Search, search_for
from projections.search.texts import Telling
from projections.search.words import FULL
from streams.departments import DEPARTMENTS

SAM, TOM = "01a20000-0000-7000-8000-000000000001", "01a20000-0000-7000-8000-000000000002"
FIELD_OF = {
    "CustomerRegistered": "names",
    "CustomerAmended": "names",
    "ContactAdded": "contact_name",
    "ContactPointAdded": "contact_point",
    "FieldSet": "own_field",
    "InteractionLogged": "content",
    "InteractionCorrected": "content",
    "NoteTaken": "note",
    "TicketOpened": "summary",
    "TicketNoted": "ticket_note",
}
SEALED = {
    "names": "name",
    "contact_name": "name",
    "contact_point": "value",
    "own_field": "sealed",
    "summary": "summary",
}


class Asker(NamedTuple):
    id: str = SAM
    team: tuple[str, ...] = (SAM, TOM)


def held(*roles: Role, scope: Rows = Rows.ALL) -> frozenset[Held]:
    return frozenset(Held(role, scope) for role in roles)


def asked(words: str) -> Search:
    return search_for(words, (), held(Role.SALES), Asker())


@pytest.mark.parametrize("fact", get_args(Telling), ids=lambda fact: fact.__name__)
def test_a_text_is_found_in_the_departments_that_are_told_it(fact: type[Fact]) -> None:
    field = FIELD_OF[fact.__name__]
    part = SEALED.get(field, "content")
    assert part in fact.model_fields
    told = {
        name
        for name, department in DEPARTMENTS.items()
        if fact.TYPE in department.types and part in department.fields.get(fact.TYPE, {part})
    }
    assert FIELDS[field].departments == told


def test_a_childs_name_is_a_field_of_its_own() -> None:
    assert {name for name, field in FIELDS.items() if field.purpose is Purpose.MINORS} == {"child_name"}
    assert "minor" in ContactAdded.model_fields


def test_what_several_roles_see_is_searched_in_the_widest_scope_of_those_that_see_it() -> None:
    roles = held(Role.SALES, scope=Rows.OWN) | held(Role.SUPPORT)
    shares = {field: share.owners for share in shares_of(roles, Asker()) for field in share.fields}
    assert shares == dict.fromkeys(FIELDS.keys() - {"child_name"})
    roles = held(Role.SALES, scope=Rows.TEAM) | held(Role.SUPPORT, scope=Rows.OWN)
    shares = {field: share.owners for share in shares_of(roles, Asker()) for field in share.fields}
    assert (shares["names"], shares["summary"]) == ((SAM, TOM), (SAM,))


@pytest.mark.parametrize("roles", [held(), held(Role.PARTNER)])
def test_who_sees_no_customers_searches_nothing(roles: frozenset[Held]) -> None:
    with pytest.raises(NotAllowedError):
        search_for("ana", (), roles, Asker())


@pytest.mark.parametrize("words", [None, "", " ?", "x" * 201, "a b c d e f g h i"])
def test_what_cannot_be_looked_for_is_said(words: str | None) -> None:
    with pytest.raises(AskedWrongError):
        search_for(words, (), held(Role.SALES), Asker())


def hit(score: int, number: int) -> Hit:
    at = datetime(2025, 3, 3, tzinfo=UTC)
    return Hit(Kind.CUSTOMER, UUID(int=number), score, "names", "", {}, at, None, None, None, erased=False)


class Reads:
    """What is spelt so, and everything."""

    def __init__(self, whole: Sequence[Hit], similar: Sequence[Hit]) -> None:
        self.whole, self.similar, self.asked = whole, similar, list[str]()

    def __call__(self, blind: Blind) -> Sequence[Hit]:
        is_whole = set(blind.weights) == {FULL}
        self.asked.append("whole" if is_whole else "all")
        return self.whole if is_whole else [*self.whole, *self.similar]


def test_what_is_similar_is_looked_for_only_where_the_page_is_not_full() -> None:
    vault, full = memory_vault(), [hit(FULL, 1), hit(FULL, 2)]
    reads = Reads(full, [hit(500, 3)])
    assert find(asked("ana"), vault, reads, None, 2) == full
    assert len(find(asked("ana"), vault, reads, None, 3)) == 3
    assert len(find(asked("ana"), vault, reads, Behind(500, UUID(int=3), Kind.CUSTOMER), 1)) == 3
    assert reads.asked == ["whole", "whole", "all", "all"]


def test_digests_say_nothing_and_are_the_same_each_time() -> None:
    vault, seen = memory_vault(), list[Blind]()

    def read(blind: Blind) -> Sequence[Hit]:
        seen.append(blind)
        return ()

    for words in ("Ana", "ana", "anna"):
        find(asked(words), vault, read, None, 1)
    assert seen[0] == seen[2] != seen[4]
    assert all(abs(digest) > 1 << 32 for digest in seen[1].digests)


def test_of_a_long_text_the_part_around_the_word_is_told() -> None:
    text = "before " * 90 + "the Oscilloscopes came " + "after " * 90
    told = excerpt(text, asked("oscilloscope"))
    assert "Oscilloscopes" in told
    assert len(told) == EXCERPT + 2
    assert told.startswith("…")
    assert excerpt("short", asked("oscilloscope")) == "short"
    assert excerpt(text, asked("absent")) == text[:EXCERPT] + "…"
    assert excerpt(4711, asked("4711")) == 4711
