"""What is remembered of an endpoint; its secrets are not among it."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.agreement.facts import AgreementId
from domain.fact import Fact
from domain.moments import Moment

EndpointId = NewType("EndpointId", UUID)


class Signing(StrEnum):
    """How messages are signed: with a secret that both know, or so that the partner keeps no secret of ours."""

    HMAC = "hmac"
    ED25519 = "ed25519"


class EndpointAdded(Fact):
    """It is sent the agreement's feed, from behind `after` on."""

    TYPE = "crm.endpoint.added.v1"
    agreement_id: AgreementId
    url: str
    signing: Signing = Signing.HMAC
    after: int = 0


class EndpointMoved(Fact):
    TYPE = "crm.endpoint.moved.v1"
    url: str


class EndpointDisabled(Fact):
    """Nothing is sent until it is enabled, from where it stood; nothing is lost."""

    TYPE = "crm.endpoint.disabled.v1"
    reason: str | None = None


class EndpointEnabled(Fact):
    TYPE = "crm.endpoint.enabled.v1"


class EndpointSecretRotated(Fact):
    """The secret of this number signs from now on, the one before it too until `replaced_until`."""

    TYPE = "crm.endpoint.secret_rotated.v1"
    number: int
    replaced_until: Moment


class EndpointRemoved(Fact):
    TYPE = "crm.endpoint.removed.v1"
    reason: str | None = None


EndpointFact = (
    EndpointAdded | EndpointMoved | EndpointDisabled | EndpointEnabled | EndpointSecretRotated | EndpointRemoved
)
