"""The rules for contracts, ours and competitors'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import assert_never

from domain.contract.commands import (
    AmendCompetitorContract,
    AmendContract,
    CompetitorContractCommand,
    ContractCommand,
    DropCompetitorContract,
    NoteCompetitorContract,
    OurContractCommand,
    RenewContract,
    SignContract,
    TerminateContract,
)
from domain.contract.facts import (
    CompetitorContractAmended,
    CompetitorContractDropped,
    CompetitorContractNoted,
    ContractAmended,
    ContractFact,
    ContractRenewed,
    ContractSigned,
    ContractTerminated,
)
from domain.customer.decider import present
from domain.decider import Decider, Registration, Target
from domain.details import NOTHING, Details, changes, fact_of, learn
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError


class Supplier(StrEnum):
    """With whom the customer has the contract."""

    US = "us"
    COMPETITOR = "competitor"


@dataclass(frozen=True, slots=True)
class Contract:
    """What the rules need to know of a contract."""

    supplier: Supplier | None = None
    details: Details = NOTHING
    revision: int = 0
    starts_on: date | None = None
    terminated_on: date | None = None
    dropped: bool = False


UNKNOWN = Contract()


def decide(command: ContractCommand, contract: Contract) -> Sequence[ContractFact]:
    match command:
        case SignContract() | NoteCompetitorContract():
            return _begin(command, contract)
        case AmendContract() | RenewContract() | TerminateContract():
            _require(command, contract, Supplier.US)
            return _decide_ours(command, contract)
        case AmendCompetitorContract() | DropCompetitorContract():
            _require(command, contract, Supplier.COMPETITOR)
            return _decide_competitor(command, contract)
        case _:
            assert_never(command)


def _begin(command: SignContract | NoteCompetitorContract, contract: Contract) -> Sequence[ContractFact]:
    if contract.supplier is not None:
        raise ExistsError(contract=command.contract_id)
    if isinstance(command, NoteCompetitorContract):
        return [fact_of(CompetitorContractNoted, command)]
    _require_period(command.starts_on, command.ends_on)
    return [fact_of(ContractSigned, command)]


def _require(command: OurContractCommand | CompetitorContractCommand, contract: Contract, supplier: Supplier) -> None:
    if contract.supplier is None:
        raise UnknownError(contract=command.contract_id)
    if contract.supplier is not supplier:
        raise ConflictError("the contract is with another supplier", supplier=contract.supplier)


def _require_period(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on and ends_on and ends_on < starts_on:
        raise InvalidError("a contract ends after it starts", starts_on=starts_on, ends_on=ends_on)


def _decide_ours(
    command: AmendContract | RenewContract | TerminateContract, contract: Contract
) -> Sequence[ContractFact]:
    if isinstance(command, TerminateContract) and contract.terminated_on == command.on:
        return []
    if contract.terminated_on is not None:
        raise ConflictError("the contract is terminated", terminated_on=contract.terminated_on)
    match command:
        case AmendContract(ends_on=ends_on):
            _require_period(contract.starts_on, ends_on)
            return changes(ContractAmended, command, contract.details, revision=contract.revision + 1)
        case RenewContract():
            return [_renew(command, contract)]
        case TerminateContract(on=on, reason=reason):
            return [ContractTerminated(on=on, reason=reason)]
        case _:
            assert_never(command)


def _renew(command: RenewContract, contract: Contract) -> ContractRenewed:
    _require_period(contract.starts_on, command.ends_on)
    ended_on = dict(contract.details).get("ends_on")
    if isinstance(ended_on, date) and command.ends_on <= ended_on:
        raise InvalidError("a renewal ends later than the contract did", ends_on=ended_on)
    return ContractRenewed(ends_on=command.ends_on, value=command.value)


def _decide_competitor(
    command: AmendCompetitorContract | DropCompetitorContract, contract: Contract
) -> Sequence[ContractFact]:
    match command:
        case AmendCompetitorContract():
            if contract.dropped:
                raise ConflictError("the competitor's contract was dropped; note it anew")
            return changes(CompetitorContractAmended, command, contract.details)
        case DropCompetitorContract(reason=reason):
            return [] if contract.dropped else [CompetitorContractDropped(reason=reason)]
        case _:
            assert_never(command)


def evolve(contract: Contract, fact: ContractFact) -> Contract:
    match fact:
        case ContractSigned(starts_on=starts_on):
            return Contract(Supplier.US, _learn(contract, fact), revision=1, starts_on=starts_on)
        case ContractAmended(revision=revision):
            return replace(contract, details=_learn(contract, fact), revision=revision)
        case ContractRenewed() | CompetitorContractAmended():
            return replace(contract, details=_learn(contract, fact))
        case ContractTerminated(on=on):
            return replace(contract, terminated_on=on)
        case CompetitorContractNoted():
            return Contract(Supplier.COMPETITOR, _learn(contract, fact))
        case CompetitorContractDropped():
            return replace(contract, dropped=True)
        case _:
            assert_never(fact)


OURS = ContractAmended.model_fields.keys() - {"revision"}
THEIRS = CompetitorContractAmended.model_fields.keys()


def _learn(contract: Contract, fact: ContractFact) -> Details:
    return learn(contract.details, fact, OURS | THEIRS)


contract = Decider("contract", UNKNOWN, decide, evolve, subject="customer_id")

ADDRESSED = Target(contract, "contract_id")
BEGUN = (ADDRESSED, Target(present, "customer_id"))
PLAIN = (AmendContract, RenewContract, TerminateContract, AmendCompetitorContract, DropCompetitorContract)
REGISTRATIONS = (
    Registration(SignContract, BEGUN, amended_by=AmendContract),
    Registration(NoteCompetitorContract, BEGUN, amended_by=AmendCompetitorContract),
    *(Registration(command, (ADDRESSED,)) for command in PLAIN),
)
