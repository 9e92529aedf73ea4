"""Who sees what at every way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from adapters.memory.vault import memory_vault
from domain.access.facts import Held, Role, Rows
from domain.personal import ERASED, Purpose, Sealed, Secret
from projections.catalogue import VIEWS
from projections.disclosure import (
    ACTS,
    GRANTS,
    MOST_CONTENTS,
    WITHHELD,
    Disclosure,
    NotAllowedError,
    allowed,
    as_sealed,
    concealed,
    key_id_of,
    require,
    require_service,
    seen,
)

ANA = UUID("01a20000-0000-7000-8000-000000000001")


class Keys:
    """Knows the purposes of the values that were sealed through it."""

    def __init__(self) -> None:
        self.vault, self.known, self.asked = memory_vault(), dict[UUID, str](), 0

    def seal(self, value: object, purpose: Purpose = Purpose.SERVICE) -> Sealed:
        (token,) = self.vault.seal([Secret(ANA, purpose, value)])
        assert isinstance(token, Sealed)
        self.known[key_id_of(token)] = purpose
        return token

    def purposes(self, key_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        self.asked += 1
        return {key_id: self.known[key_id] for key_id in key_ids}

    def for_(self, role: Role) -> Disclosure:
        return Disclosure(self.vault, self, GRANTS[role])


def test_sealed_values_are_opened_wherever_they_stand() -> None:
    keys = Keys()
    name, lane = keys.seal("Ana"), keys.seal("Rua Um")
    (row,) = keys.for_(Role.SALES).open_within([{"name": name, "points": [{"value": lane, "label": "home"}], "n": 1}])
    assert row == {"name": "Ana", "points": [{"value": "Rua Um", "label": "home"}], "n": 1}


def test_a_value_of_another_purpose_is_withheld() -> None:
    keys = Keys()
    values = [keys.seal("Ana"), keys.seal("likes lamps", Purpose.MARKETING), keys.seal("toys", Purpose.MINORS)]
    assert keys.for_(Role.AUDITOR).open(values) == ["Ana", WITHHELD, WITHHELD]
    assert keys.for_(Role.MARKETING).open(values) == ["Ana", "likes lamps", WITHHELD]
    assert keys.for_(Role.ADMINISTRATOR).open(values) == ["Ana", "likes lamps", "toys"]
    assert keys.for_(Role.PARTNER).open(values) == [WITHHELD] * 3


def test_a_keys_purpose_is_asked_for_once() -> None:
    keys = Keys()
    disclosure, name = keys.for_(Role.SALES), keys.seal("Ana")
    for _ in range(3):
        disclosure.open([name])
    assert keys.asked == 1


def test_long_texts_are_opened_few_at_a_time_and_only_as_they_are_taken() -> None:
    keys, opened = Keys(), list[int]()
    things = [{"content": keys.seal(f"{n:05}" * 4_000), "n": n} for n in range(3 * MOST_CONTENTS)]
    disclosure = replace(keys.for_(Role.SALES), on_opened=lambda _: opened.append(1))
    each = disclosure.open_each(things)
    assert next(each)["content"].startswith("00000")
    assert len(opened) == 1
    assert [thing["n"] for thing in each] == list(range(1, len(things)))
    assert len(opened) >= 3


def test_short_values_are_opened_all_at_once() -> None:
    keys, opened = Keys(), list[int]()
    disclosure = replace(keys.for_(Role.SALES), on_opened=lambda _: opened.append(1))
    told = disclosure.open_each([{"name": keys.seal(f"Ana {n}")} for n in range(200)])
    assert [thing["name"] for thing in told] == [f"Ana {n}" for n in range(200)]
    assert len(opened) == 1


def test_an_erased_value_is_null_and_its_path_is_told() -> None:
    row = {"name": ERASED, "points": [{"value": ERASED}, {"value": WITHHELD}], "city": "Porto"}
    shown, erased, withheld = concealed(row)
    assert shown == {"name": None, "points": [{"value": None}, {"value": None}], "city": "Porto"}
    assert (erased, withheld) == (["name", "points.0.value"], ["points.1.value"])


def test_only_what_looks_sealed_is_taken_for_sealed() -> None:
    token = Keys().seal("Ana")
    marked = as_sealed({"name": str(token), "role": "s1", "more": [str(token)]})
    assert isinstance(marked["name"], Sealed)
    assert isinstance(marked["more"][0], Sealed)
    assert not isinstance(marked["role"], Sealed)


def test_a_partner_sees_one_service_and_nothing_opened() -> None:
    grant = GRANTS[Role.PARTNER]
    assert grant.services == {"partners"}
    assert not grant.opens
    assert (grant.rows, grant.whose) == (Rows.OWN, ("supplier_id", "partner_id"))
    for act in ("feeds", "sends"):
        require(Role.PARTNER, act)
    for act in ACTS.keys() - {"feeds", "sends"}:
        with pytest.raises(NotAllowedError, match="partner may not"):
            require(Role.PARTNER, act)


def test_a_service_that_is_seen_through_several_roles_is_seen_as_the_widest_of_them() -> None:
    own, team = Held(Role.SALES, Rows.OWN), Held(Role.MANAGEMENT, Rows.TEAM)
    assert seen(frozenset({own}), "sales").rows is Rows.OWN
    assert seen(frozenset({own, team}), "sales").rows is Rows.TEAM
    assert seen(frozenset({own, Held(Role.SUPPORT)}), "sales").rows is Rows.OWN
    assert seen(frozenset({Held(Role.PARTNER), Held(Role.AUDITOR)}), "partners").rows is Rows.ALL


def test_who_does_not_see_all_rows_does_not_see_the_ledger() -> None:
    require(Role.MANAGEMENT, "ledger")
    with pytest.raises(NotAllowedError):
        require(Role.MANAGEMENT, "ledger", Rows.TEAM)
    with pytest.raises(NotAllowedError):
        allowed(frozenset({Held(Role.MANAGEMENT, Rows.OWN)}), "ledger")


def test_an_auditor_sees_everything_and_changes_nothing() -> None:
    for service in {shown.service for shown in VIEWS.values()}:
        require_service(Role.AUDITOR, service)
    require(Role.AUDITOR, "ledger")
    with pytest.raises(NotAllowedError):
        require(Role.AUDITOR, "commands")


def test_every_role_has_a_grant_of_services_that_exist() -> None:
    assert GRANTS.keys() == set(Role)
    assert {name for grant in GRANTS.values() for name in grant.services} == {s.service for s in VIEWS.values()}


def test_a_department_sees_its_own_service_only() -> None:
    with pytest.raises(NotAllowedError, match="sales does not see"):
        require_service(Role.SALES, "marketing")
