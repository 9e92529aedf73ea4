"""The rows of sales: pipeline, orders, contracts, employees and teams."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from domain.contract.facts import (
    CompetitorContractAmended,
    CompetitorContractDropped,
    CompetitorContractNoted,
    ContractAmended,
    ContractRenewed,
    ContractSigned,
    ContractTerminated,
)
from domain.employee.facts import EmployeeAmended, EmployeeErased, EmployeeHired, EmployeeLeft, TeamAmended, TeamFormed
from domain.money import Money
from domain.opportunity.facts import (
    OpportunityAmended,
    OpportunityLost,
    OpportunityMoved,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
    Stage,
)
from domain.order.facts import Line, OrderAmended, OrderCancelled, OrderKind, OrderPlaced, OrderShipped
from projections.rows import RowMissingError
from projections.sales.contracts import contracts
from projections.sales.employees import employees
from projections.sales.orders import orders
from projections.sales.pipeline import pipeline
from projections.sales.teams import teams
from tests.given import seal
from tests.unit.projections.folding import AGENT, OTHER_AGENT, STREAM, SUBJECT, after, event_of, fold

TEN, TWENTY = Money(amount_minor=1000, currency="EUR"), Money(amount_minor=2000, currency="EUR")
OPENED = OpportunityOpened(stage=Stage.PROSPECTING, title="Chairs", seller_id=AGENT, amount=TEN)
PLACED = OrderPlaced(
    number="1", kind=OrderKind.SALE, currency="EUR", lines=(Line(product_id=UUID(int=1), quantity=2, amount_minor=500),)
)
SIGNED = ContractSigned(number="C1", starts_on=date(2025, 1, 1), ends_on=date(2026, 1, 1), value=TEN, notice_days=30)


def test_an_opportunity_is_open_at_the_stage_and_amount_it_was_moved_to_last() -> None:
    row = fold(
        pipeline,
        OPENED,
        OpportunityMoved(stage=Stage.PROPOSAL),
        OpportunityMoved(stage=Stage.NEGOTIATION, amount=TWENTY),
    )
    assert (row.opportunity_id, row.subject_id) == (STREAM, SUBJECT)
    assert (row.status, row.stage, row.moves, row.amount_minor, row.currency) == ("open", "negotiation", 2, 2000, "EUR")
    assert (row.opened_at, row.moved_at, row.closed_at) == (after(0), after(2), None)


def test_a_won_opportunity_counts_what_it_was_won_for_and_keeps_its_last_stage() -> None:
    row = fold(pipeline, OPENED, OpportunityWon(amount=TWENTY))
    assert (row.status, row.stage, row.amount_minor, row.closed_at) == ("won", "prospecting", 2000, after(1))


def test_a_lost_opportunity_keeps_its_amount_and_the_reason() -> None:
    row = fold(pipeline, OPENED, OpportunityLost(reason="price"))
    assert (row.status, row.amount_minor, row.reason, row.closed_at) == ("lost", 1000, "price", after(1))


def test_a_reopened_opportunity_is_as_if_it_had_never_been_closed_but_for_the_count() -> None:
    row = fold(pipeline, OPENED, OpportunityLost(reason="price"), OpportunityReopened(stage=Stage.ENGAGING))
    assert (row.status, row.stage, row.reason, row.closed_at, row.reopenings) == ("open", "engaging", None, None, 1)


def test_an_amendment_changes_only_what_it_gives_after_the_win_too() -> None:
    row = fold(pipeline, OPENED, OpportunityWon(amount=TEN), OpportunityAmended(seller_id=OTHER_AGENT))
    assert (row.status, row.title, row.seller_id, row.amount_minor) == ("won", "Chairs", OTHER_AGENT, 1000)


@pytest.mark.parametrize(
    ("model", "fact"),
    [
        (pipeline, OpportunityMoved(stage=Stage.PROPOSAL)),
        (orders, OrderCancelled()),
        (contracts, ContractTerminated(on=date(2025, 1, 1))),
        (employees, EmployeeLeft()),
        (teams, TeamAmended(name="North")),
    ],
)
def test_a_fact_of_a_row_that_was_never_begun_raises_so_that_it_is_parked(model: object, fact: object) -> None:
    with pytest.raises(RowMissingError):
        model.evolve(None, event_of(fact))  # type: ignore[attr-defined, arg-type]  # any of the above


def test_an_order_counts_its_lines_units_and_total() -> None:
    lines = (
        Line(product_id=UUID(int=1), quantity=2, amount_minor=500),
        Line(product_id=UUID(int=1), quantity=-1, amount_minor=-250),
    )
    row = fold(orders, PLACED.model_copy(update={"lines": lines}))
    assert (row.lines, row.units, row.total_minor, row.placed_at) == (2, 1, 250, after(0))


def test_an_order_amended_and_then_cancelled_keeps_its_last_lines() -> None:
    line = Line(product_id=UUID(int=2), quantity=3, amount_minor=900)
    row = fold(
        orders,
        PLACED,
        OrderAmended(lines=(line,)),
        OrderAmended(note=seal("ring twice")),
        OrderCancelled(reason="late"),
    )
    assert (row.units, row.total_minor, row.amendments, row.note) == (3, 900, 2, seal("ring twice"))
    assert (row.cancelled_at, row.reason) == (after(3), "late")


def test_an_order_may_be_shipped_in_parts_and_cancelled_after() -> None:
    row = fold(orders, PLACED, OrderShipped(), OrderShipped(), OrderCancelled())
    assert (row.shipments, row.shipped_at, row.cancelled_at) == (2, after(2), after(3))


@pytest.mark.parametrize(("quantity", "amount_minor"), [(2, 500), (-2, -500)])
def test_a_return_takes_away_however_it_was_recorded(quantity: int, amount_minor: int) -> None:
    line = Line(product_id=UUID(int=1), quantity=quantity, amount_minor=amount_minor)
    row = fold(orders, PLACED.model_copy(update={"kind": OrderKind.RETURN}), OrderAmended(lines=(line,)))
    assert (row.units, row.total_minor) == (-2, -500)


def test_a_contract_amended_and_then_renewed_has_the_terms_that_were_told_last() -> None:
    amended = ContractAmended(revision=2, title="Service", notice_days=0, auto_renews=True)
    row = fold(contracts, SIGNED, amended, ContractRenewed(ends_on=date(2027, 1, 1), value=TWENTY))
    assert (row.supplier, row.status, row.revision, row.renewals) == ("us", "active", 2, 1)
    assert (row.title, row.notice_days, row.auto_renews) == ("Service", 0, True)
    assert (row.starts_on, row.ends_on, row.value_minor) == (date(2025, 1, 1), date(2027, 1, 1), 2000)


def test_a_terminated_contract_says_when_and_why() -> None:
    row = fold(contracts, SIGNED, ContractTerminated(on=date(2025, 6, 1), reason="moved"))
    assert (row.status, row.terminated_on, row.reason) == ("terminated", date(2025, 6, 1), "moved")


def test_a_competitors_contract_is_noted_amended_and_dropped() -> None:
    noted = CompetitorContractNoted(competitor="Rival", need="phones", ends_on=date(2025, 9, 1))
    row = fold(contracts, noted, CompetitorContractAmended(ends_on=date(2025, 10, 1)))
    assert (row.supplier, row.competitor, row.need, row.revision) == ("competitor", "Rival", "phones", 2)
    assert (row.ends_on, row.status) == (date(2025, 10, 1), "active")
    assert fold(contracts, noted, CompetitorContractDropped()).status == "dropped"


def test_an_employee_keeps_what_an_amendment_leaves_out() -> None:
    hired = EmployeeHired(name=seal("Sam"), region="north", team_id=AGENT)
    row = fold(employees, hired, EmployeeAmended(region="south"), EmployeeLeft())
    assert (row.name, row.region, row.team_id, row.left_at) == (seal("Sam"), "south", AGENT, after(2))


def test_an_erased_employee_keeps_the_sealed_name_that_opens_to_nothing() -> None:
    row = fold(employees, EmployeeHired(name=seal("Sam"), region="north"), EmployeeErased())
    assert (row.name, row.region, row.erased) == (seal("Sam"), "north", True)


def test_a_team_has_its_last_name() -> None:
    row = fold(teams, TeamFormed(name="North", region="north"), TeamAmended(name="Far north"))
    assert (row.name, row.region) == ("Far north", "north")
