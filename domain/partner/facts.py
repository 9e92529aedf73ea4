"""What is remembered of a partner."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType
from uuid import UUID

from domain.fact import Fact

PartnerId = NewType("PartnerId", UUID)


class PartnerKind(StrEnum):
    SUPPLIER = "supplier"
    DISTRIBUTOR = "distributor"


class PartnerRegistered(Fact):
    """`name` is a company's."""

    TYPE = "crm.partner.registered.v1"
    name: str
    kind: PartnerKind
    country: str | None = None


class PartnerAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.partner.amended.v1"
    name: str | None = None
    kind: PartnerKind | None = None
    country: str | None = None


class PartnerRemoved(Fact):
    TYPE = "crm.partner.removed.v1"
    reason: str | None = None


PartnerFact = PartnerRegistered | PartnerAmended | PartnerRemoved
