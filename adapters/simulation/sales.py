"""Opportunities from the first talk to won or lost, contracts from signature to end, and what competitors have."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, timedelta

from adapters.simulation import trade, words
from adapters.simulation.customers import NEEDS, buy
from adapters.simulation.world import Customer, Step, Story, World, money
from domain.contract.commands import (
    AmendCompetitorContract,
    AmendContract,
    DropCompetitorContract,
    NoteCompetitorContract,
    RenewContract,
    SignContract,
    TerminateContract,
)
from domain.contract.facts import ContractId
from domain.money import Money
from domain.opportunity.commands import (
    AmendOpportunity,
    IdentifyOpportunityCustomer,
    LoseOpportunity,
    MoveOpportunity,
    OpenOpportunity,
    ReopenOpportunity,
    WinOpportunity,
)
from domain.opportunity.facts import OpportunityId, Stage

REASONS = ("price", "timing", "went to a competitor", "no decision", "the budget went into a boat")
YEAR = timedelta(days=365)


def _open(world: World, customer: Customer, *, anonymous: bool = False) -> OpenOpportunity:
    product = world.some_product()
    opportunity_id = OpportunityId(world.new_id())
    customer.remember(opportunity_id)
    return OpenOpportunity(
        opportunity_id=opportunity_id,
        customer_id=None if anonymous else customer.id,
        title=f"{product.name}, {world.rng.choice(('a first lot', 'for the season', 'for the whole house'))}",
        seller_id=customer.seller_id,
        product_id=product.id,
        amount=money(customer, product.price_minor * world.rng.randint(10, 80)),
        expected_close_on=world.today(world.rng.randint(20, 120)),
        source="website" if anonymous else world.rng.choice(words.SOURCES),
    )


def _advance(world: World, deal: OpenOpportunity, *stages: Stage) -> Story:
    for stage in stages:
        yield world.later(3, 18)
        yield MoveOpportunity(opportunity_id=deal.opportunity_id, stage=stage)


def _win(world: World, customer: Customer, deal: OpenOpportunity) -> Story:
    yield world.later(2, 14)
    assert deal.amount is not None
    percent = world.rng.randint(85, 105)
    amount = Money(amount_minor=deal.amount.amount_minor * percent // 100, currency=deal.amount.currency)
    yield WinOpportunity(opportunity_id=deal.opportunity_id, amount=amount)
    yield from buy(customer)


def win(world: World, customer: Customer) -> Story:
    """All stages, then the first order."""
    yield (deal := _open(world, customer))
    yield from _advance(world, deal, Stage.ENGAGING, Stage.PROPOSAL, Stage.NEGOTIATION)
    yield from _win(world, customer, deal)
    yield world.later(1, 8)
    yield from trade.sell(world, customer)


def lose(world: World, customer: Customer) -> Story:
    yield (deal := _open(world, customer))
    yield from _advance(world, deal, Stage.ENGAGING, *((Stage.PROPOSAL,) if world.chance(0.5) else ()))
    yield world.later(5, 30)
    yield LoseOpportunity(opportunity_id=deal.opportunity_id, reason=world.rng.choice(REASONS))


def lose_then_win(world: World, customer: Customer) -> Story:
    """A lost deal comes back to life."""
    yield (deal := _open(world, customer))
    yield world.later(3, 15)
    yield LoseOpportunity(opportunity_id=deal.opportunity_id, reason="timing")
    yield world.later(20, 60)
    yield ReopenOpportunity(opportunity_id=deal.opportunity_id)
    yield from _advance(world, deal, Stage.NEGOTIATION)
    yield from _win(world, customer, deal)


def stall(world: World, customer: Customer) -> Story:
    """It goes on and on; the day on which it should close is put off."""
    yield (deal := _open(world, customer))
    reached = world.rng.randint(1, 3)
    yield from _advance(world, deal, *(Stage.ENGAGING, Stage.PROPOSAL, Stage.NEGOTIATION)[:reached])
    assert deal.expected_close_on is not None
    for months in (1, 2):
        yield world.later(20, 50)
        later = deal.expected_close_on + timedelta(days=30 * months)
        yield AmendOpportunity(opportunity_id=deal.opportunity_id, expected_close_on=later)


def come_by_website(world: World, customer: Customer) -> Story:
    """A form was filled in without a name; some days later it is known by whom."""
    yield (deal := _open(world, customer, anonymous=True))
    yield world.later(1, 8)
    yield IdentifyOpportunityCustomer(opportunity_id=deal.opportunity_id, customer_id=customer.id)
    yield from _advance(world, deal, Stage.ENGAGING, Stage.PROPOSAL)
    yield from _win(world, customer, deal)


def _sign(world: World, customer: Customer, starts_on: date, days: int) -> SignContract:
    contract_id = ContractId(world.new_id())
    customer.remember(contract_id)
    return SignContract(
        contract_id=contract_id,
        customer_id=customer.id,
        number=f"K{world.number():06d}",
        title=world.rng.choice(("Care Plan", "Yearly delivery", "House supplier")),
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=days),
        value=money(customer, 100 * world.rng.randint(300, 6000)),
        notice_days=world.rng.choice((30, 60, 90)),
        auto_renews=world.chance(0.3),
        seller_id=customer.seller_id,
        document=f"Contract between the company and {customer.name}: what was ordered is delivered, and paid.",
    )


def sign_for_a_year(world: World, customer: Customer) -> Story:
    """Signed, and amended once."""
    yield (contract := _sign(world, customer, world.today(10), 365))
    yield from buy(customer)
    yield world.later(20, 120)
    yield AmendContract(contract_id=contract.contract_id, value=money(customer, 100 * world.rng.randint(6001, 9000)))


def renew(world: World, customer: Customer) -> Story:
    """An older contract is put into the books, and renewed before it ends."""
    contract = yield from _enter_older(world, customer)
    assert contract.ends_on is not None
    yield RenewContract(contract_id=contract.contract_id, ends_on=contract.ends_on + YEAR, value=contract.value)


def terminate(world: World, customer: Customer) -> Story:
    """An older contract is put into the books, and ends."""
    contract = yield from _enter_older(world, customer)
    assert contract.ends_on is not None
    yield TerminateContract(contract_id=contract.contract_id, on=contract.ends_on, reason=world.rng.choice(REASONS))


def _enter_older(world: World, customer: Customer) -> Generator[Step, None, SignContract]:
    days = world.rng.randint(60, 110)
    contract = _sign(world, customer, world.today(days) - YEAR, 365)
    yield contract
    yield from buy(customer)
    yield world.later(days * 0.4, days * 0.8)
    return contract


def _note_competitor(world: World, customer: Customer) -> NoteCompetitorContract:
    contract_id = ContractId(world.new_id())
    return NoteCompetitorContract(
        contract_id=contract_id,
        customer_id=customer.id,
        competitor=world.rng.choice(words.COMPETITORS),
        need=world.rng.choice(NEEDS),
        ends_on=world.today(world.rng.randint(60, 420)),
        value=money(customer, 100 * world.rng.randint(200, 3000)),
    )


def learn_of_competitor(world: World, customer: Customer) -> Story:
    """What is known of the competitor's contract gets better."""
    yield (contract := _note_competitor(world, customer))
    yield world.later(10, 60)
    assert contract.ends_on is not None
    yield AmendCompetitorContract(contract_id=contract.contract_id, ends_on=contract.ends_on + timedelta(days=30))


def outlast_competitor(world: World, customer: Customer) -> Story:
    yield (contract := _note_competitor(world, customer))
    yield world.later(20, 80)
    yield DropCompetitorContract(contract_id=contract.contract_id, reason="they gave up the competitor")


STORIES = ((win, 6), (lose, 5), (lose_then_win, 1), (stall, 2), (come_by_website, 2), (sign_for_a_year, 2), (renew, 2),
           (terminate, 1), (learn_of_competitor, 2), (outlast_competitor, 1))  # fmt: skip
"""What happens to opportunities and contracts, and how often among the stories of a deck."""
