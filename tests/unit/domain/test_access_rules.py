"""Who may come in: keys are issued once, rotated, revoked; roles are granted and revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.access.commands import AdmitPrincipal, GrantRole, IssueKey, RevokeKey, RevokeRole, RotateKey
from domain.access.decider import access, evolve
from domain.access.facts import (
    AccessId,
    KeyIssued,
    KeyRevoked,
    KeyRotated,
    PrincipalAdmitted,
    Role,
    RoleGranted,
    RoleRevoked,
    Rows,
)
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.fact import Fact
from tests.given import given

WHO = AccessId(UUID(int=1))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
A, B = "a" * 64, "b" * 64
ADMITTED = PrincipalAdmitted()


def test_a_principal_is_admitted_once() -> None:
    acts_as = UUID(int=7)
    given().when(AdmitPrincipal(access_id=WHO, acts_as=acts_as)).then(PrincipalAdmitted(acts_as=acts_as))
    given(ADMITTED).when(AdmitPrincipal(access_id=WHO)).then_refused(ExistsError)
    given().when(GrantRole(access_id=WHO, role=Role.SALES)).then_refused(UnknownError)


def test_roles_are_granted_and_revoked_once() -> None:
    granted = RoleGranted(role=Role.SALES)
    given(ADMITTED).when(GrantRole(access_id=WHO, role=Role.SALES)).then(granted)
    given(ADMITTED, granted).when(GrantRole(access_id=WHO, role=Role.SALES)).then()
    given(ADMITTED, granted).when(RevokeRole(access_id=WHO, role=Role.SALES)).then(RoleRevoked(role=Role.SALES))
    given(ADMITTED).when(RevokeRole(access_id=WHO, role=Role.SALES)).then()


def test_a_role_that_is_held_already_may_be_given_another_scope() -> None:
    granted, narrow = RoleGranted(role=Role.SALES), RoleGranted(role=Role.SALES, scope=Rows.OWN)
    order = GrantRole(access_id=WHO, role=Role.SALES, scope=Rows.OWN)
    given(ADMITTED, granted).when(order).then(narrow)
    given(ADMITTED, granted, narrow).when(order).then()
    given(ADMITTED, narrow).when(RevokeRole(access_id=WHO, role=Role.SALES)).then(RoleRevoked(role=Role.SALES))


def test_a_key_that_was_one_once_is_not_issued_again() -> None:
    given(ADMITTED).when(IssueKey(access_id=WHO, hash=A)).then(KeyIssued(hash=A))
    for facts in ((KeyIssued(hash=A),), (KeyIssued(hash=A), KeyRevoked(hash=A))):
        given(ADMITTED, *facts).when(IssueKey(access_id=WHO, hash=A)).then_refused(ConflictError)


def test_a_key_is_rotated_while_it_opens() -> None:
    order = RotateKey(access_id=WHO, hash=B, replaces=A, replaced_until=LATER)
    rotated = KeyRotated(hash=B, replaces=A, replaced_until=LATER)
    given(ADMITTED, KeyIssued(hash=A)).when(order).then(rotated)
    given(ADMITTED).when(order).then_refused(ConflictError)
    given(ADMITTED, KeyIssued(hash=A), KeyRevoked(hash=A)).when(order).then_refused(ConflictError)


def test_a_key_is_revoked_once() -> None:
    order = RevokeKey(access_id=WHO, hash=A)
    given(ADMITTED, KeyIssued(hash=A)).when(order).then(KeyRevoked(hash=A))
    given(ADMITTED).when(order).then()


@pytest.mark.parametrize(
    ("facts", "before", "after"),
    [
        ([KeyIssued(hash=A)], True, True),
        ([KeyIssued(hash=A, expires_at=LATER)], True, False),
        ([KeyIssued(hash=A), KeyRevoked(hash=A)], False, False),
        ([KeyIssued(hash=A), KeyRotated(hash=B, replaces=A, replaced_until=LATER)], True, False),
        ([KeyIssued(hash=A, expires_at=NOW), KeyRotated(hash=B, replaces=A, replaced_until=LATER)], False, False),
    ],
)
def test_a_key_opens_until_it_expires_is_replaced_or_revoked(facts: list[Fact], before: bool, after: bool) -> None:
    found = access.initial
    for fact in facts:
        found = evolve(found, fact)  # type: ignore[arg-type]  # facts of access
    assert (found.opens(A, NOW), found.opens(A, LATER)) == (before, after)
