"""What is remembered of a principal's access. Of a key only the SHA-256 of its long random secret is kept."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, NewType
from uuid import UUID

from domain.fact import Fact
from domain.moments import Moment

AccessId = NewType("AccessId", UUID)


class Role(StrEnum):
    """In which capacity somebody asks."""

    SALES = "sales"
    MARKETING = "marketing"
    SUPPORT = "support"
    MANAGEMENT = "management"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    PARTNER = "partner"


class Rows(StrEnum):
    """Which rows somebody sees of what a role sees, from the fewest to the most."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"


class Held(NamedTuple):
    """A role as somebody holds it."""

    role: Role
    scope: Rows = Rows.ALL


class PrincipalAdmitted(Fact):
    """`acts_as`: the employee or partner whose id its facts bear, and whose own rows it sees; else its own id."""

    TYPE = "crm.access.admitted.v1"
    acts_as: UUID | None = None
    label: str | None = None


class RoleGranted(Fact):
    """A role that was granted before is held with this scope from now on."""

    TYPE = "crm.access.role_granted.v1"
    role: Role
    scope: Rows = Rows.ALL


class RoleRevoked(Fact):
    TYPE = "crm.access.role_revoked.v1"
    role: Role


class KeyIssued(Fact):
    TYPE = "crm.access.key_issued.v1"
    hash: str
    expires_at: Moment | None = None


class KeyRotated(Fact):
    """The replaced key opens until `replaced_until`, so that nobody is locked out while the new one is put in place."""

    TYPE = "crm.access.key_rotated.v1"
    hash: str
    replaces: str
    replaced_until: Moment
    expires_at: Moment | None = None


class KeyRevoked(Fact):
    TYPE = "crm.access.key_revoked.v1"
    hash: str


AccessFact = PrincipalAdmitted | RoleGranted | RoleRevoked | KeyIssued | KeyRotated | KeyRevoked
