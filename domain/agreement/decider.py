"""The rules for agreements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.agreement.commands import (
    ActivateAgreement,
    AgreementCommand,
    AmendAgreement,
    DraftAgreement,
    ResumeAgreement,
    RevokeAgreement,
    SuspendAgreement,
)
from domain.agreement.facts import (
    AgreementActivated,
    AgreementAmended,
    AgreementDrafted,
    AgreementFact,
    AgreementResumed,
    AgreementRevoked,
    AgreementSuspended,
)
from domain.agreement.terms import Terms, require_terms
from domain.decider import Decider, Registration, Target
from domain.errors import ConflictError, ExistsError, UnknownError
from domain.partner.decider import active
from domain.partner.facts import PartnerId


@dataclass(frozen=True, slots=True)
class Agreement:
    """Each version's terms, the first one first; `in_force` is the number of the one that holds."""

    partner_id: PartnerId | None = None
    versions: tuple[Terms, ...] = ()
    in_force: int | None = None
    suspended: bool = False
    revoked: bool = False

    def terms(self, version: int) -> Terms:
        return self.versions[version - 1]

    @property
    def holding(self) -> Terms | None:
        """The terms by which facts are passed on now."""
        return None if self.in_force is None or self.suspended or self.revoked else self.terms(self.in_force)


UNKNOWN = Agreement()


def decide(command: AgreementCommand, agreement: Agreement) -> Sequence[AgreementFact]:
    if isinstance(command, DraftAgreement):
        if agreement.versions:
            raise ExistsError(agreement=command.agreement_id)
        require_terms(command.terms)
        return [AgreementDrafted(partner_id=command.partner_id, terms=command.terms)]
    if not agreement.versions:
        raise UnknownError(agreement=command.agreement_id)
    if isinstance(command, RevokeAgreement):
        return [] if agreement.revoked else [AgreementRevoked(reason=command.reason)]
    if agreement.revoked:
        raise ConflictError("the agreement was revoked; draft another")
    match command:
        case AmendAgreement(terms=terms):
            require_terms(terms)
            number = len(agreement.versions) + 1
            return [] if terms == agreement.versions[-1] else [AgreementAmended(version=number, terms=terms)]
        case ActivateAgreement():
            return _activate(command, agreement)
        case SuspendAgreement(reason=reason):
            if agreement.in_force is None:
                raise ConflictError("the agreement was never activated")
            return [] if agreement.suspended else [AgreementSuspended(reason=reason)]
        case ResumeAgreement():
            return [AgreementResumed()] if agreement.suspended else []
        case _:
            assert_never(command)


def _activate(command: ActivateAgreement, agreement: Agreement) -> Sequence[AgreementFact]:
    version = command.version or len(agreement.versions)
    if version > len(agreement.versions):
        raise UnknownError(agreement=command.agreement_id, version=version)
    return [] if version == agreement.in_force else [AgreementActivated(version=version)]


def evolve(agreement: Agreement, fact: AgreementFact) -> Agreement:
    match fact:
        case AgreementDrafted(partner_id=partner_id, terms=terms):
            return Agreement(partner_id, (terms,))
        case AgreementAmended(terms=terms):
            return replace(agreement, versions=(*agreement.versions, terms))
        case AgreementActivated(version=version):
            return replace(agreement, in_force=version)
        case AgreementSuspended():
            return replace(agreement, suspended=True)
        case AgreementResumed():
            return replace(agreement, suspended=False)
        case AgreementRevoked():
            return replace(agreement, revoked=True)
        case _:
            assert_never(fact)


agreement = Decider("agreement", UNKNOWN, decide, evolve)

ADDRESSED = (Target(agreement, "agreement_id"),)
REGISTRATIONS = (
    Registration(DraftAgreement, (*ADDRESSED, Target(active, "partner_id"))),
    *(
        Registration(command, ADDRESSED)
        for command in (AmendAgreement, ActivateAgreement, SuspendAgreement, ResumeAgreement, RevokeAgreement)
    ),
)
