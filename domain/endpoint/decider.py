"""The rules for endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, assert_never

from domain.agreement.decider import UNKNOWN as NO_AGREEMENT
from domain.agreement.decider import Agreement
from domain.agreement.decider import evolve as evolve_agreement
from domain.agreement.facts import AgreementFact, AgreementId
from domain.decider import Command, Decider, Registration, Target
from domain.endpoint.commands import (
    AddEndpoint,
    DisableEndpoint,
    EnableEndpoint,
    EndpointCommand,
    MoveEndpoint,
    RemoveEndpoint,
    RotateSecret,
)
from domain.endpoint.facts import (
    EndpointAdded,
    EndpointDisabled,
    EndpointEnabled,
    EndpointFact,
    EndpointMoved,
    EndpointRemoved,
    EndpointSecretRotated,
    Signing,
)
from domain.errors import ConflictError, ExistsError, RemovedError, UnknownError


class Numbered(NamedTuple):
    """A secret by its number; one that was replaced signs `until` then."""

    number: int
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`secrets` are all there were, the newest last; `begun` says how often it was added or enabled."""

    agreement_id: AgreementId | None = None
    url: str = ""
    signing: Signing = Signing.HMAC
    after: int = 0
    enabled: bool = True
    removed: bool = False
    secrets: tuple[Numbered, ...] = ()
    begun: int = 0

    @property
    def sends(self) -> bool:
        return self.enabled and not self.removed

    def signing_at(self, at: datetime) -> Sequence[int]:
        """The numbers of the secrets that sign then, the newest first."""
        return [number for number, until in reversed(self.secrets) if until is None or at < until]


UNKNOWN = Endpoint()


def decide(command: EndpointCommand, endpoint: Endpoint) -> Sequence[EndpointFact]:
    if isinstance(command, AddEndpoint):
        if endpoint.agreement_id is not None:
            raise ExistsError(endpoint=command.endpoint_id)
        return [EndpointAdded.model_validate(command.model_dump(exclude={"endpoint_id"}))]
    if endpoint.agreement_id is None:
        raise UnknownError(endpoint=command.endpoint_id)
    if isinstance(command, RemoveEndpoint):
        return [] if endpoint.removed else [EndpointRemoved(reason=command.reason)]
    if endpoint.removed:
        raise RemovedError(endpoint=command.endpoint_id)
    match command:
        case MoveEndpoint(url=url):
            return [] if url == endpoint.url else [EndpointMoved(url=url)]
        case DisableEndpoint(reason=reason):
            return [EndpointDisabled(reason=reason)] if endpoint.enabled else []
        case EnableEndpoint():
            return [EndpointEnabled()]  # of one that is enabled it ends the wait for the next attempt
        case RotateSecret(replaced_until=until):
            return [EndpointSecretRotated(number=len(endpoint.secrets) + 1, replaced_until=until)]
        case _:
            assert_never(command)


def guard_agreed(command: Command, agreement: Agreement) -> Sequence[AgreementFact]:
    """There must be an agreement that was not revoked: writes nothing."""
    if not agreement.versions:
        raise UnknownError(agreement=getattr(command, "agreement_id"))  # noqa: B009 any command with an agreement
    if agreement.revoked:
        raise ConflictError("the agreement was revoked; draft another")
    return []


def evolve(endpoint: Endpoint, fact: EndpointFact) -> Endpoint:
    match fact:
        case EndpointAdded():
            secrets = (Numbered(1),)
            return Endpoint(fact.agreement_id, fact.url, fact.signing, fact.after, secrets=secrets, begun=1)
        case EndpointMoved(url=url):
            return replace(endpoint, url=url)
        case EndpointDisabled():
            return replace(endpoint, enabled=False)
        case EndpointEnabled():
            return replace(endpoint, enabled=True, begun=endpoint.begun + 1)
        case EndpointSecretRotated(number=number, replaced_until=until):
            *others, last = endpoint.secrets or (Numbered(0),)
            return replace(endpoint, secrets=(*others, Numbered(last.number, until), Numbered(number)))
        case EndpointRemoved():
            return replace(endpoint, removed=True)
        case _:
            assert_never(fact)


endpoint = Decider("endpoint", UNKNOWN, decide, evolve)
agreed = Decider("agreement", NO_AGREEMENT, guard_agreed, evolve_agreement)

ADDRESSED = (Target(endpoint, "endpoint_id"),)
REGISTRATIONS = (
    Registration(AddEndpoint, (*ADDRESSED, Target(agreed, "agreement_id"))),
    *(
        Registration(command, ADDRESSED)
        for command in (MoveEndpoint, DisableEndpoint, EnableEndpoint, RotateSecret, RemoveEndpoint)
    ),
)
