"""Contracts: our own with each revision counted, and those that customers have with competitors."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, assert_never, cast, get_args
from uuid import UUID

from domain.contract.decider import Supplier
from domain.contract.facts import (
    CompetitorContractAmended,
    CompetitorContractDropped,
    CompetitorContractNoted,
    ContractAmended,
    ContractRenewed,
    ContractSigned,
    ContractTerminated,
)
from domain.event import Event
from domain.personal import Sealed
from projections.engine.readmodel import ReadModel, by_stream
from projections.rows import amend, begun, in_columns


class Status(StrEnum):
    """As far as was said; whether a contract has run out depends on the day, and is the view's."""

    ACTIVE = "active"
    TERMINATED = "terminated"
    DROPPED = "dropped"


class Contract(NamedTuple):
    """`supplier` is us or a competitor; `begun_at` is when it was signed or noted."""

    contract_id: UUID
    subject_id: UUID
    supplier: str
    status: str
    begun_at: datetime
    revision: int = 1
    renewals: int = 0
    number: str | None = None
    competitor: str | None = None
    need: str | None = None
    title: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    terminated_on: date | None = None
    notice_days: int | None = None
    auto_renews: bool = False
    value_minor: int | None = None
    currency: str | None = None
    seller_id: UUID | None = None
    document: Sealed | None = None
    reason: str | None = None


First = ContractSigned | CompetitorContractNoted
Later = ContractAmended | ContractRenewed | ContractTerminated | CompetitorContractAmended | CompetitorContractDropped
TERMS = ("title", "ends_on", "notice_days", "auto_renews", "document")
SIGNED = (*TERMS, "number", "starts_on", "seller_id")
COMPETITORS = ("competitor", "need", "ends_on")


def evolve(row: Contract | None, event: Event) -> Contract:
    fact = cast("First | Later", event.fact)
    match fact:
        case ContractSigned():
            return _with_value(amend(_begin(Supplier.US, event), fact, SIGNED), fact)
        case CompetitorContractNoted():
            return _with_value(amend(_begin(Supplier.COMPETITOR, event), fact, COMPETITORS), fact)
        case _:
            return _go_on(begun(row, event), fact)


def _begin(supplier: Supplier, event: Event) -> Contract:
    return Contract(event.stream_id, event.subject_id, supplier, Status.ACTIVE, event.occurred_at)


def _go_on(row: Contract, fact: Later) -> Contract:
    match fact:
        case ContractAmended(revision=revision):
            return _with_value(amend(row._replace(revision=revision), fact, TERMS), fact)
        case ContractRenewed(ends_on=ends_on):
            return _with_value(row._replace(ends_on=ends_on, renewals=row.renewals + 1), fact)
        case ContractTerminated(on=on, reason=reason):
            return row._replace(status=Status.TERMINATED, terminated_on=on, reason=reason)
        case CompetitorContractAmended():
            return _with_value(amend(row._replace(revision=row.revision + 1), fact, COMPETITORS), fact)
        case CompetitorContractDropped(reason=reason):
            return row._replace(status=Status.DROPPED, reason=reason)
        case _:
            assert_never(fact)


def _with_value(row: Contract, fact: First | ContractAmended | ContractRenewed | CompetitorContractAmended) -> Contract:
    value_minor, currency = in_columns(fact.value, (row.value_minor, row.currency))
    return row._replace(value_minor=value_minor, currency=currency)


contracts = ReadModel(
    name="contracts",
    version=1,
    row=Contract,
    key=1,
    facts=(*get_args(First), *get_args(Later)),
    keys=by_stream,
    evolve=evolve,
)
