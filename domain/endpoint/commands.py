"""What can be ordered about an endpoint."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.agreement.facts import AgreementId
from domain.decider import Command
from domain.endpoint.facts import EndpointId, Signing
from domain.moments import Moment
from domain.text import Label

Url = Annotated[
    str,
    Field(max_length=1_000, pattern=r"^https?://[!-~]+$", description="In clear for ever: put no secret into it.",
          examples=["https://partner.example/hooks/relato"]),
]  # fmt: skip


class ForEndpoint(Command):
    endpoint_id: EndpointId


class AddEndpoint(ForEndpoint):
    """A feed is delivered to an address of the partner's, as Standard Webhooks; `after` is the last number it has."""

    NAME = "endpoint.add"
    agreement_id: AgreementId
    url: Url
    signing: Signing = Signing.HMAC
    after: Annotated[int, Field(ge=0, lt=2**63)] = 0


class MoveEndpoint(ForEndpoint):
    """It is another address from now on; secrets and place stay."""

    NAME = "endpoint.move"
    url: Url


class DisableEndpoint(ForEndpoint):
    """Nothing is sent until it is enabled."""

    NAME = "endpoint.disable"
    reason: Label | None = None


class EnableEndpoint(ForEndpoint):
    """It goes on from where it stood, at once; also where it only waited for the next attempt."""

    NAME = "endpoint.enable"


class RotateSecret(ForEndpoint):
    """A new secret signs from now on, the old one too until `replaced_until`; `relato webhook secret` shows it."""

    NAME = "endpoint.rotate_secret"
    replaced_until: Moment


class RemoveEndpoint(ForEndpoint):
    """Nothing is sent any more."""

    NAME = "endpoint.remove"
    reason: Label | None = None


EndpointCommand = AddEndpoint | MoveEndpoint | DisableEndpoint | EnableEndpoint | RotateSecret | RemoveEndpoint
