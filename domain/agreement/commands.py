"""What can be ordered about an agreement."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.agreement.facts import AgreementId
from domain.agreement.terms import Terms
from domain.decider import Command
from domain.partner.facts import PartnerId
from domain.text import Label


class ForAgreement(Command):
    agreement_id: AgreementId


class DraftAgreement(ForAgreement):
    """What a partner is to be told; `relato feed preview` shows what that would be, until it is activated."""

    NAME = "agreement.draft"
    partner_id: PartnerId
    terms: Terms


class AmendAgreement(ForAgreement):
    """A new version: all of the terms anew. The version before holds until this one is activated."""

    NAME = "agreement.amend"
    terms: Terms


class ActivateAgreement(ForAgreement):
    """A version holds from now on, by default the newest one."""

    NAME = "agreement.activate"
    version: Annotated[int, Field(ge=1)] | None = None


class SuspendAgreement(ForAgreement):
    """Nothing is passed on until it is resumed."""

    NAME = "agreement.suspend"
    reason: Label | None = None


class ResumeAgreement(ForAgreement):
    """It is passed on again what happens from now on."""

    NAME = "agreement.resume"


class RevokeAgreement(ForAgreement):
    """The agreement ends for good; the partner is told to delete what it was told."""

    NAME = "agreement.revoke"
    reason: Label | None = None


AgreementCommand = (
    DraftAgreement | AmendAgreement | ActivateAgreement | SuspendAgreement | ResumeAgreement | RevokeAgreement
)
