"""What is remembered of an agreement."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

from domain.agreement.terms import Terms
from domain.fact import Fact
from domain.partner.facts import PartnerId

AgreementId = NewType("AgreementId", UUID)


class AgreementDrafted(Fact):
    """Its first version; nothing is passed on yet."""

    TYPE = "crm.agreement.drafted.v1"
    partner_id: PartnerId
    terms: Terms


class AgreementAmended(Fact):
    """All of the terms anew, as the version of this number; they hold once it is activated."""

    TYPE = "crm.agreement.amended.v1"
    version: int
    terms: Terms


class AgreementActivated(Fact):
    """From here on this version holds, in the place of any other."""

    TYPE = "crm.agreement.activated.v1"
    version: int


class AgreementSuspended(Fact):
    """Nothing is passed on until it is resumed; what happens meanwhile is not made up for."""

    TYPE = "crm.agreement.suspended.v1"
    reason: str | None = None


class AgreementResumed(Fact):
    TYPE = "crm.agreement.resumed.v1"


class AgreementRevoked(Fact):
    """The partner may keep nothing of what it was told under it."""

    TYPE = "crm.agreement.revoked.v1"
    reason: str | None = None


AgreementFact = (
    AgreementDrafted | AgreementAmended | AgreementActivated | AgreementSuspended | AgreementResumed | AgreementRevoked
)
