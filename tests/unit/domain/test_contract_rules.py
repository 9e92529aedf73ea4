"""The rules for contracts, ours and competitors'."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.contract.commands import (
    AmendCompetitorContract,
    AmendContract,
    DropCompetitorContract,
    NoteCompetitorContract,
    RenewContract,
    SignContract,
    TerminateContract,
)
from domain.contract.facts import (
    CompetitorContractAmended,
    CompetitorContractDropped,
    CompetitorContractNoted,
    ContractAmended,
    ContractId,
    ContractRenewed,
    ContractSigned,
    ContractTerminated,
)
from domain.customer.facts import CustomerId
from domain.errors import ConflictError, ExistsError, InvalidError, UnknownError
from tests.given import given, seal

DEAL, ANA = ContractId(UUID(int=1)), CustomerId(UUID(int=2))
NEW_YEAR, YEAR_END, NEXT_YEAR_END = date(2026, 1, 1), date(2026, 12, 31), date(2027, 12, 31)

SIGNED = ContractSigned(
    number="C-17", starts_on=NEW_YEAR, ends_on=YEAR_END, notice_days=90, document=seal("first draft")
)
TERMINATED = ContractTerminated(on=YEAR_END, reason="moved")
TERMINATE = TerminateContract(contract_id=DEAL, on=YEAR_END, reason="moved")
NOTED = CompetitorContractNoted(competitor="Outra", need="coffee", ends_on=YEAR_END)
DROPPED = CompetitorContractDropped(reason="ended")
DROP = DropCompetitorContract(contract_id=DEAL, reason="ended")


def sign(ends_on: date | None = YEAR_END) -> SignContract:
    return SignContract(
        contract_id=DEAL,
        customer_id=ANA,
        number="C-17",
        starts_on=NEW_YEAR,
        ends_on=ends_on,
        notice_days=90,
        document="first draft",
    )


def note_competitor() -> NoteCompetitorContract:
    return NoteCompetitorContract(
        contract_id=DEAL, customer_id=ANA, competitor="Outra", need="coffee", ends_on=YEAR_END
    )


def test_a_contract_is_signed_once_with_its_document_sealed() -> None:
    given().when(sign()).then(SIGNED)
    given(SIGNED).when(sign()).then_refused(ExistsError)
    given(NOTED).when(sign()).then_refused(ExistsError)


def test_a_contract_does_not_end_before_it_starts() -> None:
    given().when(sign(ends_on=date(2025, 12, 31))).then_refused(InvalidError)
    early = AmendContract(contract_id=DEAL, ends_on=date(2025, 12, 31))
    given(SIGNED).when(early).then_refused(InvalidError)


def test_every_amendment_is_a_revision_with_what_differs() -> None:
    amend = AmendContract(contract_id=DEAL, notice_days=60, document="first draft", auto_renews=False)
    again = AmendContract(contract_id=DEAL, document="second draft", auto_renews=True)
    second = ContractAmended(revision=2, notice_days=60)
    given(SIGNED).when(amend).then(second)
    third = ContractAmended(revision=3, document=seal("second draft"), auto_renews=True)
    given(SIGNED, second).when(again).then(third)


def test_an_amendment_that_changes_nothing_is_no_revision() -> None:
    given(SIGNED).when(AmendContract(contract_id=DEAL, notice_days=90, ends_on=YEAR_END)).then()
    given(SIGNED).when(AmendContract(contract_id=DEAL)).then()


def test_a_renewal_ends_later_than_before() -> None:
    renew, renewed = RenewContract(contract_id=DEAL, ends_on=NEXT_YEAR_END), ContractRenewed(ends_on=NEXT_YEAR_END)
    given(SIGNED).when(renew).then(renewed)
    given(SIGNED, renewed).when(renew).then_refused(InvalidError)
    given(SIGNED, renewed).when(AmendContract(contract_id=DEAL, ends_on=NEXT_YEAR_END)).then()


def test_a_contract_without_an_end_may_be_given_one_after_it_started() -> None:
    open_ended = ContractSigned(number="C-17", starts_on=NEW_YEAR)
    renewed = ContractRenewed(ends_on=YEAR_END)
    given(open_ended).when(RenewContract(contract_id=DEAL, ends_on=YEAR_END)).then(renewed)
    before = RenewContract(contract_id=DEAL, ends_on=date(2025, 12, 31))
    given(open_ended).when(before).then_refused(InvalidError)


def test_a_contract_is_terminated_on_one_day() -> None:
    given(SIGNED).when(TERMINATE).then(TERMINATED)
    given(SIGNED, TERMINATED).when(TERMINATE).then()
    other_day = TerminateContract(contract_id=DEAL, on=NEXT_YEAR_END)
    given(SIGNED, TERMINATED).when(other_day).then_refused(ConflictError)


def test_a_terminated_contract_is_neither_amended_nor_renewed() -> None:
    given(SIGNED, TERMINATED).when(AmendContract(contract_id=DEAL, notice_days=1)).then_refused(ConflictError)
    renew = RenewContract(contract_id=DEAL, ends_on=NEXT_YEAR_END)
    given(SIGNED, TERMINATED).when(renew).then_refused(ConflictError)


def test_a_competitors_contract_is_noted_once() -> None:
    given().when(note_competitor()).then(NOTED)
    given(NOTED).when(note_competitor()).then_refused(ExistsError)


def test_a_competitors_contract_is_amended_by_what_differs() -> None:
    amend = AmendCompetitorContract(contract_id=DEAL, competitor="Outra", ends_on=NEXT_YEAR_END)
    given(NOTED).when(amend).then(CompetitorContractAmended(ends_on=NEXT_YEAR_END))


def test_a_competitors_contract_is_dropped_once_and_then_left_alone() -> None:
    given(NOTED).when(DROP).then(DROPPED)
    given(NOTED, DROPPED).when(DROP).then()
    amend = AmendCompetitorContract(contract_id=DEAL, need="tea")
    given(NOTED, DROPPED).when(amend).then_refused(ConflictError)


def test_ours_and_theirs_are_not_mixed_up() -> None:
    given(NOTED).when(TERMINATE).then_refused(ConflictError)
    given(SIGNED).when(DROP).then_refused(ConflictError)


def test_nothing_happens_to_a_contract_nobody_knows() -> None:
    given().when(TERMINATE).then_refused(UnknownError)
    given().when(DROP).then_refused(UnknownError)
