"""Facts become rows, the same ones whoever folds them, in whatever portions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import pytest

from adapters.postgres.ledger_source import LedgerSource
from domain.customer.facts import (
    CustomerId,
    CustomerMerged,
    CustomerRegistered,
    CustomerUnmerged,
    Kind,
    PersonErased,
    PersonId,
    Stage,
)
from domain.employee.facts import EmployeeErased
from domain.event import Event
from domain.order.facts import Line, OrderCustomerIdentified, OrderKind, OrderPlaced
from projections.engine.progress import lag, wait_for
from projections.engine.readmodel import ReadModel, Service, by_subject
from projections.engine.schema import prepare
from projections.engine.sources import Mended
from projections.engine.table import TableDiffersError
from projections.engine.worker import catch_up
from tests.integration.engine.conftest import QUICK, SHOP, World
from tests.integration.engine.toys.people import Person, people

REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT, source="web")
ORDER = OrderPlaced(
    number="1", kind=OrderKind.SALE, currency="EUR", lines=(Line(product_id=UUID(int=1), quantity=1, amount_minor=5),)
)


def test_any_number_of_workers_and_any_portions_give_the_same_tables(quietly: World) -> None:
    world = quietly
    world.story.customers(300, erased=5)
    world.catch_up()
    alone = world.prints()
    assert world.ask("select count(*) from people") == [(300,)]
    for count, batch in ((3, 150), (1, 7)):
        world.forget_everything()
        pace = replace(QUICK, batch=batch, cache_size=20)
        prepare(world.db, SHOP)
        with world.workers(count, pace), closing(world.open_log()) as log:
            assert wait_for(world.db, token_of(log), timeout_s=20)
        assert world.prints() == alone


def test_what_is_appended_while_workers_run_is_folded_soon(quietly: World) -> None:
    world = quietly
    prepare(world.db, SHOP)
    with world.workers(2):
        for _ in range(5):
            customer_id = world.story.new_id()
            (place,) = world.story.tell(customer_id, REGISTERED)
            assert wait_for(world.db, f"{place.partition}.{place.partition_seq}", ["people"], timeout_s=10)
            assert world.ask("select stage from people where customer_id = %s", customer_id) == [("prospect",)]


def test_totals_follow_their_rows(world: World) -> None:
    world.story.customers(200)
    world.catch_up()
    rows = """select seller_id, currency, count(*) filter (where stage = 'won'),
                     coalesce(sum(amount_minor) filter (where stage = 'won'), 0), count(*) filter (where stage <> 'won')
                from deals where stage <> 'lost' group by 1, 2 order by 1, 2"""
    totals = """select seller_id, currency, sum(won), sum(won_minor), sum(open)
                  from deals_sums group by 1, 2 order by 1, 2"""
    assert world.ask(rows) == world.ask(totals) != []


def test_rows_come_back_from_the_database_as_they_were_folded(world: World) -> None:
    """Without the cache every batch starts from loaded rows."""
    world.story.customers(100)
    world.catch_up()
    remembered = world.prints()
    world.forget_everything()
    world.catch_up(pace=replace(QUICK, batch=5, cache_size=0))
    assert world.prints() == remembered


@pytest.mark.parametrize("by", ["customer", "employee"])
def test_what_a_person_left_in_clear_goes_with_their_erasure_and_in_a_rebuild_too(world: World, by: str) -> None:
    erased, other = world.story.new_id(), world.story.new_id()
    world.story.tell(erased, REGISTERED)
    world.story.tell(other, REGISTERED)
    world.catch_up()
    told = PersonErased(person_ids=(PersonId(erased),), everyone=True) if by == "customer" else EmployeeErased()
    world.story.tell(erased, told)
    world.catch_up()
    stepwise = world.prints()
    assert dict(world.ask("select customer_id, source from people")) == {erased: None, other: "web"}
    world.forget_everything()
    world.catch_up()
    assert world.prints() == stepwise


def test_an_alias_leads_to_the_surviving_customer_and_unmerging_restores_exactly(world: World) -> None:
    anonymous, first, survivor = (world.story.new_id() for _ in range(3))
    for customer_id in (first, survivor):
        world.story.tell(customer_id, REGISTERED)
    world.story.tell(anonymous, ORDER, OrderCustomerIdentified(customer_id=CustomerId(first)))
    world.catch_up()
    before = world.prints()
    assert buyers(world, anonymous) == (first, first)
    world.story.tell(first, CustomerMerged(into_id=CustomerId(survivor)))
    world.catch_up()
    assert buyers(world, anonymous) == (survivor, survivor)
    assert {i for (i,) in world.ask("select known_as(%s)", survivor)} == {survivor, first, anonymous}
    world.story.tell(first, CustomerUnmerged(from_id=CustomerId(survivor)))
    world.catch_up()
    assert buyers(world, anonymous) == (first, first)
    assert world.prints() == before
    assert {i for (i,) in world.ask("select known_as(%s)", survivor)} == {survivor}


def buyers(world: World, order_id: UUID) -> tuple[UUID, UUID]:
    ((in_view, by_function),) = world.ask(
        "select buyer_id, customer_of(customer_id) from purchases where order_id = %s", order_id
    )
    return in_view, by_function


def test_repeats_and_gaps_of_a_transport_change_nothing(world: World) -> None:
    world.story.customers(120)
    world.catch_up()
    straight = world.prints()
    world.forget_everything()
    opened = world.open_log

    class Sloppy:
        """Repeats some events, leaves others out."""

        def __init__(self) -> None:
            self.ledger = opened()

        def poll(
            self, after: Mapping[int, int], limit: int, timeout_s: float, skip: Collection[str]
        ) -> Sequence[Event]:
            assert skip
            found = self.ledger.read_on(after, limit=limit, timeout_s=timeout_s, skip=()).events
            repeated = [twice for event in found for twice in (event, event)]
            return [event for n, event in enumerate(repeated) if n % 7]

        def close(self) -> None:
            self.ledger.close()

    class Log(Mended):
        def __init__(self) -> None:
            self.own = opened()
            super().__init__(Sloppy(), self.own, heads_every_s=0.05)

        def close(self) -> None:
            super().close()
            self.own.close()

    catch_up(SHOP, connect=world.connect, open_log=Log, pace=QUICK, timeout_s=20)
    assert world.prints() == straight


def test_a_reader_waits_for_what_it_wrote_and_no_longer_than_it_said(world: World) -> None:
    (place,) = world.story.tell(world.story.new_id(), REGISTERED)
    token = f"{place.partition}.{place.partition_seq}"
    prepare(world.db, SHOP)
    assert not wait_for(world.db, token, timeout_s=0.05)
    assert [(x.model, x.behind) for x in lag(world.db, {place.partition: 1})] == [
        ("alias", 1),
        ("deals", 1),
        ("people", 1),
        ("purchases", 1),
    ]
    world.catch_up()
    assert wait_for(world.db, token, timeout_s=0)
    assert not wait_for(world.db, f"{place.partition}.{place.partition_seq + 1}", timeout_s=0)
    assert {x.behind for x in lag(world.db, {place.partition: 1})} == {0}


def test_a_table_that_is_not_the_row_is_refused(world: World) -> None:
    prepare(world.db, SHOP)
    world.db.execute("alter table people_1 add column shoe_size integer")
    with pytest.raises(TableDiffersError, match="shoe_size"):
        world.catch_up()


def test_views_are_made_again_only_when_they_differ(world: World) -> None:
    prepare(world.db, SHOP)
    seen = world.ask("select 'prospects'::regclass::oid")
    prepare(world.db, SHOP)
    assert world.ask("select 'prospects'::regclass::oid") == seen


def test_facts_that_nobody_wants_move_the_bookmarks_too(world: World) -> None:
    world.story.customers(30)
    few = Service("shop", (stages,))
    world.catch_up(few)
    ((total,),) = world.ask("select count(*) from ledger.fact")
    assert world.ask("select sum(seq) from projection_bookmark where table_name = 'people_1'") == [(total,)]
    assert world.ask("select count(*), sum(changes) from people") == [(30, 0)]


def _register(row: Person | None, event: Event) -> Person | None:
    return row or Person(event.subject_id, "new", None, None, (), (), 0)


stages: ReadModel[Person] = ReadModel(
    name=people.name, version=1, row=Person, key=1, facts=(CustomerRegistered,), keys=by_subject, evolve=_register
)


def token_of(log: LedgerSource) -> str:
    return ",".join(f"{partition}.{seq}" for partition, seq in log.heads().items())
