"""What can be ordered about a contract, ours or a competitor's."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain.contract.facts import ContractId
from domain.customer.facts import CustomerId
from domain.decider import Command
from domain.money import Money
from domain.personal import Personal
from domain.text import Content, Label


class ForContract(Command):
    contract_id: ContractId


class ContractDetails(ForContract):
    """The fields that signing and amending share."""

    title: Label | None = None
    value: Money | None = None
    ends_on: date | None = None
    notice_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    document: Annotated[Content | None, Personal()] = None


class SignContract(ContractDetails):
    """A contract with a customer, in its first revision; without `ends_on` it is open-ended."""

    NAME = "contract.sign"
    customer_id: CustomerId
    number: Label
    starts_on: date
    auto_renews: bool = False
    seller_id: UUID | None = None


class AmendContract(ContractDetails):
    """Makes the next revision, with the fields that are given; every earlier one stays."""

    NAME = "contract.amend"
    auto_renews: bool | None = None


class RenewContract(ForContract):
    """Lets the contract run on to a later day."""

    NAME = "contract.renew"
    ends_on: date
    value: Money | None = None


class TerminateContract(ForContract):
    """Ends the contract on a day."""

    NAME = "contract.terminate"
    on: date
    reason: Label | None = None


class NoteCompetitorContract(ForContract):
    """Notes a contract that a prospect or customer has with another supplier, and when it ends."""

    NAME = "contract.note_competitor"
    customer_id: CustomerId
    competitor: Label
    need: Label | None = None
    ends_on: date | None = None
    value: Money | None = None


class AmendCompetitorContract(ForContract):
    """Changes the fields that are given."""

    NAME = "contract.amend_competitor"
    competitor: Label | None = None
    need: Label | None = None
    ends_on: date | None = None
    value: Money | None = None


class DropCompetitorContract(ForContract):
    """The contract with the other supplier is over, or never was."""

    NAME = "contract.drop_competitor"
    reason: Label | None = None


OurContractCommand = SignContract | AmendContract | RenewContract | TerminateContract
CompetitorContractCommand = NoteCompetitorContract | AmendCompetitorContract | DropCompetitorContract
ContractCommand = OurContractCommand | CompetitorContractCommand
