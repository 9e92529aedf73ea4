"""A read model is folded again beside the live one, compared, switched to, and back."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import pytest

from domain.customer.facts import CustomerAmended, CustomerRegistered, Kind, Stage
from domain.errors import ConflictError
from domain.event import Event
from projections.engine.compare import NotTogetherError, compare
from projections.engine.engine import BreakerError, Limits
from projections.engine.progress import wait_until
from projections.engine.readmodel import ReadModel, Service
from projections.engine.rebuild import NothingLiveError, begin_trial, rebuild
from projections.engine.schema import prepare
from projections.engine.switch import BehindError, ViewBusyError, forget_others, roll_back, switch
from tests.integration.engine.conftest import QUICK, SHOP, World, with_model
from tests.integration.engine.test_faults import heads
from tests.integration.engine.toys.people import Person, people

REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT, source="web")


def _loud(row: Person | None, event: Event) -> Person | None:
    """The second version writes stages in capitals."""
    found = people.evolve(row and row._replace(stage=row.stage.lower()), event)
    return found and found._replace(stage=found.stage.upper())


loud: ReadModel[Person] = replace(people, version=2, evolve=_loud)
BOTH = with_model(people, loud)
NEW = with_model(loud)


def tables(world: World) -> dict[str, str]:
    return dict(world.ask("select table_name, state from projection_build where model = 'people'"))


def stages(world: World) -> set[str]:
    return {stage for (stage,) in world.ask("select distinct stage from people")}


def test_live_equals_rebuilt(world: World) -> None:
    world.story.customers(200, erased=3)
    world.catch_up(pace=replace(QUICK, batch=30, cache_size=10))
    rebuilt = rebuild(SHOP, ["people", "deals"], **world.access, pace=QUICK)
    assert [r.comparison is not None and r.comparison.is_equal for r in rebuilt] == [True, True]
    prints = world.prints("people_1", "people_1_2", "deals_1", "deals_1_2", "deals_sums_1", "deals_sums_1_2")
    assert prints["people_1"] == prints["people_1_2"] != "0.0.0"
    assert prints["deals_1"] == prints["deals_1_2"]
    assert prints["deals_sums_1"] == prints["deals_sums_1_2"]


def test_several_processes_rebuild_while_live_workers_go_on(quietly: World) -> None:
    world = quietly
    world.story.customers(200)
    prepare(world.db, SHOP)
    with world.workers():
        assert wait_until(world.db, heads(world), timeout_s=30)
        telling = threading.Event()
        teller = threading.Thread(target=tell_until, args=(world, telling))
        teller.start()
        try:
            (rebuilt,) = rebuild(SHOP, ["people"], **world.access, processes=2, pace=QUICK)
            assert rebuilt.build.table == "people_1_2"
        finally:
            telling.set()
            teller.join()
        assert wait_until(world.db, heads(world), timeout_s=30)
        assert compare(world.db, "people_1", "people_1_2").is_equal
        switch(world.db, SHOP, "people")
        assert tables(world) == {"people_1": "standby", "people_1_2": "live"}
        world.story.tell(world.story.new_id(), REGISTERED)
        assert wait_until(world.db, heads(world), timeout_s=30)
    assert compare(world.db, "people_1", "people_1_2").is_equal


def tell_until(world: World, stop: threading.Event) -> None:
    while not stop.wait(0.01):
        world.story.tell(world.story.new_id(), REGISTERED)


def test_a_new_version_is_reported_on_switched_to_and_rolled_back_without_going_back_in_time(world: World) -> None:
    world.story.customers(100)
    world.catch_up()
    (rebuilt,) = rebuild(BOTH, ["people"], **world.access, pace=QUICK)
    assert rebuilt.comparison is not None
    assert (rebuilt.comparison.rows, rebuilt.comparison.changed, rebuilt.comparison.added) == (100, 100, 0)
    assert stages(world) <= {"prospect", "customer", "lapsed"}
    switch(world.db, BOTH, "people")
    assert stages(world) <= {"PROSPECT", "CUSTOMER", "LAPSED"}
    late = world.story.new_id()
    world.story.tell(late, REGISTERED)
    world.catch_up(BOTH)
    roll_back(world.db, BOTH, "people")
    assert world.ask("select stage from people where customer_id = %s", late) == [("prospect",)]
    assert forget_others(world.db, BOTH, "people") == ["people_2"]
    assert tables(world) == {"people_1": "live"}


def test_a_release_that_knows_only_the_new_version_compares_where_the_old_one_stands(world: World) -> None:
    world.story.customers(50)
    world.catch_up()
    late = world.story.new_id()
    world.story.tell(late, REGISTERED)
    (rebuilt,) = rebuild(NEW, ["people"], **world.access, pace=QUICK)
    assert rebuilt.comparison is not None
    assert (rebuilt.comparison.rows, rebuilt.comparison.changed) == (50, 50)
    switch(world.db, NEW, "people")
    assert world.ask("select stage from people where customer_id = %s", late) == [("PROSPECT",)]
    with pytest.raises(BehindError, match="facts 1"):
        switch(world.db, SHOP, "people")
    world.catch_up(SHOP)
    switch(world.db, SHOP, "people")
    assert world.ask("select stage from people where customer_id = %s", late) == [("prospect",)]


def test_a_read_model_added_to_a_service_at_work_is_built_beside_and_shown_when_it_is_there(world: World) -> None:
    world.story.customers(40)
    few = Service("shop", tuple(m for m in SHOP.read_models if m is not people))
    world.catch_up(few)
    (pending,) = prepare(world.db, SHOP)
    assert (pending.table, tables(world)) == ("people_1", {"people_1": "building"})
    world.catch_up(SHOP)
    assert world.ask("select count(*) from people") == [(0,)]
    (rebuilt,) = rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    assert rebuilt.comparison is None
    assert tables(world) == {"people_1": "live"}
    assert world.ask("select count(*) from people") == [(40,)]


def test_tables_at_different_places_are_not_compared(world: World) -> None:
    world.story.customers(20)
    world.catch_up()
    rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    world.db.execute("update projection_bookmark set seq = seq - 1 where table_name = 'people_1_2' and seq > 0")
    with pytest.raises(NotTogetherError):
        compare(world.db, "people_1", "people_1_2")
    with pytest.raises(BehindError):
        switch(world.db, SHOP, "people")


def test_rows_that_differ_are_named(world: World) -> None:
    ids = world.story.customers(20)
    world.catch_up()
    rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    world.db.execute("update people_1_2 set changes = changes + 1 where customer_id = %s", [ids[0]])
    world.db.execute("delete from people_1_2 where customer_id = %s", [ids[1]])
    world.db.execute("delete from people_1 where customer_id = %s", [ids[2]])
    found = compare(world.db, "people_1", "people_1_2")
    assert (found.rows, found.changed, found.missing, found.added) == (19, 1, 1, 1)
    assert {UUID(key) for key in found.keys} == set(ids[:3])


def test_a_long_query_delays_a_switch_and_a_switch_gives_way(world: World) -> None:
    world.story.customers(10)
    world.catch_up()
    with pytest.raises(ConflictError):
        switch(world.db, SHOP, "people")
    rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    with closing(world.connect()) as reader, reader.transaction():
        reader.execute("select * from people limit 1")
        with pytest.raises(ViewBusyError):
            switch(world.db, SHOP, "people")
    assert tables(world) == {"people_1": "live", "people_1_2": "standby"}
    switch(world.db, SHOP, "people")
    assert tables(world) == {"people_1": "standby", "people_1_2": "live"}


def test_an_interrupted_rebuild_goes_on_where_it_was(world: World) -> None:
    world.story.customers(60)
    world.catch_up()
    pace = replace(QUICK, batch=20, limits=Limits(total=5))
    with pytest.raises(BreakerError):
        rebuild(with_model(replace(people, evolve=_refuse)), ["people"], **world.access, pace=pace)
    assert tables(world) == {"people_1": "live", "people_1_2": "building"}
    ((begun,),) = world.ask("select sum(seq) from projection_bookmark where table_name = 'people_1_2'")
    assert begun > 0
    world.db.execute("delete from projection_parked")
    (rebuilt,) = rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    assert rebuilt.build.table == "people_1_2"


def test_a_trial_is_compared_and_leaves_nothing_behind_but_what_one_can_go_back_to(quietly: World) -> None:
    world = quietly
    world.story.customers(40)
    world.catch_up()
    rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    switch(world.db, SHOP, "people")
    with world.workers():
        assert wait_until(world.db, heads(world), timeout_s=30)
        (tried,) = rebuild(SHOP, ["people"], **world.access, pace=QUICK, is_trial=True)
        assert tried.comparison is not None
        assert (tried.build.table, tried.comparison.is_equal) == ("people_1_3", True)
        assert tables(world) == {"people_1": "standby", "people_1_2": "live"}
        world.story.customers(5)
        assert wait_until(world.db, heads(world), timeout_s=30)
    assert world.ask("select to_regclass('people_1_3')") == [(None,)]
    assert roll_back(world.db, SHOP, "people").table == "people_1"


def test_a_trial_that_was_cut_off_is_dropped_by_the_next_start_and_never_switched_to(world: World) -> None:
    world.story.customers(30)
    world.catch_up()
    with closing(world.connect()) as cut_off:
        begun = begin_trial(cut_off, SHOP, "people")
        cut_off.execute("update projection_build set state = 'standby' where is_trial")
        world.catch_up()  # while its session lives, it is folded
        assert begun.table in tables(world)
        with pytest.raises(ConflictError):
            switch(world.db, SHOP, "people")
    world.catch_up()
    assert tables(world) == {"people_1": "live"}
    assert world.ask("select count(*) from projection_bookmark where table_name = %s", begun.table) == [(0,)]


def test_an_interrupted_rebuild_is_not_taken_over_by_a_trial_which_leaves_nothing_when_it_fails(world: World) -> None:
    world.story.customers(60)
    world.catch_up()
    pace = replace(QUICK, batch=20, limits=Limits(total=5))
    failing = with_model(replace(people, evolve=_refuse))
    for is_trial in (False, True):
        with pytest.raises(BreakerError):
            rebuild(failing, ["people"], **world.access, pace=pace, is_trial=is_trial)
    assert tables(world) == {"people_1": "live", "people_1_2": "building"}
    (tried,) = rebuild(SHOP, ["people"], **world.access, pace=QUICK, is_trial=True)
    assert tried.build.table == "people_1_3"
    assert tables(world) == {"people_1": "live", "people_1_2": "building"}


def test_where_readers_see_nothing_yet_there_is_nothing_to_compare_with(world: World) -> None:
    world.story.customers(10)
    world.catch_up(Service("shop", tuple(m for m in SHOP.read_models if m is not people)))
    with pytest.raises(NothingLiveError, match="rebuild it"):
        rebuild(SHOP, ["people"], **world.access, pace=QUICK, is_trial=True)


def _refuse(row: Person | None, event: Event) -> Person | None:
    if isinstance(event.fact, CustomerAmended):
        raise TypeError("no amendments")
    return people.evolve(row, event)


def test_a_worker_that_finds_a_build_without_its_table_looks_again(quietly: World) -> None:
    """As when the table is dropped between the two questions."""
    world = quietly
    world.story.customers(5)
    prepare(world.db, SHOP)
    world.db.execute("insert into projection_build (table_name, model, version, suffix, state)"
                     " values ('people_1_9', 'people', 1, '1_9', 'standby')")  # fmt: skip
    with world.workers():
        assert not wait_until(world.db, heads(world), timeout_s=0.5)
        world.db.execute("delete from projection_build where suffix = '1_9'")
        assert wait_until(world.db, heads(world), timeout_s=30)


def test_a_dropped_table_does_not_disturb_the_live_workers(quietly: World) -> None:
    world = quietly
    world.story.customers(30)
    prepare(world.db, SHOP)
    with world.workers(2):
        assert wait_until(world.db, heads(world), timeout_s=30)
        rebuild(SHOP, ["people"], **world.access, pace=QUICK)
        forget_others(world.db, SHOP, "people")
        world.story.customers(30)
        assert wait_until(world.db, heads(world), timeout_s=30)
    assert world.ask("select count(*) from people") == [(60,)]
