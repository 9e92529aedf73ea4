"""The rules for access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hmac import compare_digest
from typing import assert_never
from uuid import UUID

from domain.access.commands import (
    AccessCommand,
    AdmitPrincipal,
    GrantRole,
    IssueKey,
    RevokeKey,
    RevokeRole,
    RotateKey,
)
from domain.access.facts import (
    AccessFact,
    Held,
    KeyIssued,
    KeyRevoked,
    KeyRotated,
    PrincipalAdmitted,
    Role,
    RoleGranted,
    RoleRevoked,
)
from domain.decider import Decider, Registration, Target
from domain.errors import ConflictError, ExistsError, UnknownError


@dataclass(frozen=True, slots=True)
class Access:
    """A principal's roles, and until when each key opens, by its hash; None is for ever, a key revoked is not there."""

    admitted: bool = False
    acts_as: UUID | None = None
    roles: frozenset[Held] = frozenset()
    keys: tuple[tuple[str, datetime | None], ...] = ()
    used: frozenset[str] = frozenset()

    def opens(self, key_hash: str, at: datetime) -> bool:
        return any(compare_digest(known, key_hash) and (until is None or at < until) for known, until in self.keys)


UNKNOWN = Access()


def decide(command: AccessCommand, access: Access) -> Sequence[AccessFact]:
    if isinstance(command, AdmitPrincipal):
        if access.admitted:
            raise ExistsError(access=command.access_id)
        return [PrincipalAdmitted(acts_as=command.acts_as, label=command.label)]
    if not access.admitted:
        raise UnknownError(access=command.access_id)
    match command:
        case GrantRole(role=role, scope=scope):
            return [] if Held(role, scope) in access.roles else [RoleGranted(role=role, scope=scope)]
        case RevokeRole(role=role):
            return [RoleRevoked(role=role)] if any(held.role == role for held in access.roles) else []
        case IssueKey(hash=key_hash, expires_at=expires_at):
            _require_new(key_hash, access)
            return [KeyIssued(hash=key_hash, expires_at=expires_at)]
        case RotateKey():
            return _rotate(command, access)
        case RevokeKey(hash=key_hash):
            return [KeyRevoked(hash=key_hash)] if key_hash in dict(access.keys) else []
        case _:
            assert_never(command)


def _rotate(command: RotateKey, access: Access) -> Sequence[AccessFact]:
    _require_new(command.hash, access)
    if command.replaces not in dict(access.keys):
        raise ConflictError("the key to be replaced is not one of these, or was revoked")
    return [KeyRotated.model_validate(command.model_dump(exclude={"access_id"}))]


def _require_new(key_hash: str, access: Access) -> None:
    """What was a key once is none again: it may be known to others."""
    if key_hash in access.used:
        raise ConflictError("the key was issued before; make a new one")


def evolve(access: Access, fact: AccessFact) -> Access:
    keys = dict(access.keys)
    match fact:
        case PrincipalAdmitted(acts_as=acts_as):
            return Access(admitted=True, acts_as=acts_as)
        case RoleGranted(role=role, scope=scope):
            return replace(access, roles=_others(access, role) | {Held(role, scope)})
        case RoleRevoked(role=role):
            return replace(access, roles=_others(access, role))
        case KeyIssued(hash=key_hash, expires_at=expires_at):
            keys[key_hash] = expires_at
        case KeyRotated(hash=key_hash, replaces=old, replaced_until=until, expires_at=expires_at):
            if old in keys:
                keys[old] = min(until, keys[old] or until)
            keys[key_hash] = expires_at
        case KeyRevoked(hash=key_hash):
            keys.pop(key_hash, None)
        case _:
            assert_never(fact)
    return replace(access, keys=tuple(keys.items()), used=access.used | keys.keys())


def _others(access: Access, role: Role) -> frozenset[Held]:
    return frozenset(held for held in access.roles if held.role != role)


access = Decider("access", UNKNOWN, decide, evolve)

ADDRESSED = (Target(access, "access_id"),)
REGISTRATIONS = tuple(
    Registration(command, ADDRESSED)
    for command in (AdmitPrincipal, GrantRole, RevokeRole, IssueKey, RotateKey, RevokeKey)
)
