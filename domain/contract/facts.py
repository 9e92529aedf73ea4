"""What is remembered of a contract, ours or a competitor's."""

from __future__ import annotations

from datetime import date
from typing import NewType
from uuid import UUID

from domain.fact import Fact
from domain.money import Money
from domain.personal import Sealed

ContractId = NewType("ContractId", UUID)


class ContractSigned(Fact):
    """The first revision."""

    TYPE = "crm.contract.signed.v1"
    number: str
    starts_on: date
    title: str | None = None
    value: Money | None = None
    ends_on: date | None = None
    notice_days: int | None = None
    auto_renews: bool = False
    seller_id: UUID | None = None
    document: Sealed | None = None


class ContractAmended(Fact):
    """The next revision, with the fields that changed; one that is absent stays as it was."""

    TYPE = "crm.contract.amended.v1"
    revision: int
    title: str | None = None
    value: Money | None = None
    ends_on: date | None = None
    notice_days: int | None = None
    auto_renews: bool | None = None
    document: Sealed | None = None


class ContractRenewed(Fact):
    TYPE = "crm.contract.renewed.v1"
    ends_on: date
    value: Money | None = None


class ContractTerminated(Fact):
    TYPE = "crm.contract.terminated.v1"
    on: date
    reason: str | None = None


class CompetitorContractNoted(Fact):
    """A prospect or customer has a contract with another supplier: when it ends is our chance."""

    TYPE = "crm.contract.competitor_noted.v1"
    competitor: str
    need: str | None = None
    ends_on: date | None = None
    value: Money | None = None


class CompetitorContractAmended(Fact):
    """The fields that changed; one that is absent stays as it was."""

    TYPE = "crm.contract.competitor_amended.v1"
    competitor: str | None = None
    need: str | None = None
    ends_on: date | None = None
    value: Money | None = None


class CompetitorContractDropped(Fact):
    TYPE = "crm.contract.competitor_dropped.v1"
    reason: str | None = None


ContractFact = (
    ContractSigned
    | ContractAmended
    | ContractRenewed
    | ContractTerminated
    | CompetitorContractNoted
    | CompetitorContractAmended
    | CompetitorContractDropped
)
