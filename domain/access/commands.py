"""What can be ordered about a principal's access."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.access.facts import AccessId, Role, Rows
from domain.decider import Command
from domain.moments import Moment
from domain.text import Label

KeyHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the key, in hexadecimal.")]


class ForAccess(Command):
    access_id: AccessId


class AdmitPrincipal(ForAccess):
    """Somebody, or a program, may be given keys and roles; `acts_as` is their id as an employee or a partner."""

    NAME = "access.admit"
    acts_as: UUID | None = None
    label: Label | None = None


class GrantRole(ForAccess):
    """From now on they may do what the role may, and see the rows of the scope: their own, their team's, all."""

    NAME = "access.grant_role"
    role: Role
    scope: Rows = Rows.ALL


class RevokeRole(ForAccess):
    """They may it no more."""

    NAME = "access.revoke_role"
    role: Role


class IssueKey(ForAccess):
    """A key opens, by its hash; `relato key issue` makes one and prints it once."""

    NAME = "access.issue_key"
    hash: KeyHash
    expires_at: Moment | None = None


class RotateKey(ForAccess):
    """A new key takes the place of another, which opens until `replaced_until` still."""

    NAME = "access.rotate_key"
    hash: KeyHash
    replaces: KeyHash
    replaced_until: Moment
    expires_at: Moment | None = None


class RevokeKey(ForAccess):
    """A key opens no more."""

    NAME = "access.revoke_key"
    hash: KeyHash


AccessCommand = AdmitPrincipal | GrantRole | RevokeRole | IssueKey | RotateKey | RevokeKey
