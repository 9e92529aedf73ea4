"""Crashes, zombies and restarts cost time, never a row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.server import PostgresServer
from domain.customer.facts import CustomerRegistered, Kind, Stage
from projections.engine.engine import AheadError, Engine, LeaseLostError
from projections.engine.leases import Leases
from projections.engine.progress import wait_until
from projections.engine.rebuild import rebuild
from projections.engine.schema import builds_of, connect, prepare, start_over
from tests.conftest import create_pair
from tests.integration.engine import doomed, sleeping
from tests.integration.engine.conftest import QUICK, SHOP, World
from tests.integration.engine.story import Story

ROOT = Path(__file__).parents[3]
REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT)


def heads(world: World) -> dict[int, int]:
    with closing(world.open_log()) as log:
        return dict(log.heads())


def test_a_worker_killed_between_writing_and_committing_leaves_nothing_half_done(quietly: World) -> None:
    world = quietly
    world.story.customers(300)
    world.catch_up()
    straight = world.prints()
    world.forget_everything()
    process = subprocess.run([sys.executable, "-m", doomed.__name__, world.dsn], cwd=ROOT, check=False)
    assert process.returncode == -signal.SIGKILL
    ((folded,),) = world.ask("select sum(seq) from projection_bookmark where table_name = 'people_1'")
    assert 0 < folded < sum(heads(world).values())
    with world.workers():
        assert wait_until(world.db, heads(world), timeout_s=15)
    assert world.prints() == straight


def test_a_worker_asleep_in_the_midst_of_a_batch_lets_go_of_its_rows_and_goes_on_when_it_wakes(quietly: World) -> None:
    world = quietly
    world.story.customers(100)
    prepare(world.db, SHOP)
    with subprocess.Popen([sys.executable, "-m", sleeping.__name__, world.dsn], cwd=ROOT) as sleeper:
        try:
            _, status = os.waitpid(sleeper.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            held = "select 1 from pg_locks where mode = 'RowExclusiveLock' and relation = 'shop.people_1'::regclass"
            assert world.ask(held)
            with world.workers():
                assert wait_until(world.db, heads(world), timeout_s=40)
            straight = world.prints()
            sleeper.send_signal(signal.SIGCONT)
            world.story.customers(20)
            assert wait_until(world.db, heads(world), timeout_s=30)  # by the sleeper, who alone is left
            assert sleeper.poll() is None
        finally:
            sleeper.kill()
    survived = world.prints()
    assert survived.keys() == straight.keys()
    world.forget_everything()
    world.catch_up()
    assert world.prints() == survived


def test_a_worker_that_slept_through_its_leases_writes_nothing(world: World) -> None:
    world.story.customers(50)
    prepare(world.db, SHOP)
    builds = builds_of(world.db, SHOP)
    with closing(world.connect()) as db, closing(world.open_log()) as log:
        leases = Leases(db, term=QUICK.term)
        zombie = Engine(db, builds, leases.worker)
        held, has_taken = leases.claim()
        assert (len(held), has_taken) == (64, True)
        zombie.open(held)
        batch = log.read_on(zombie.at, limit=1000, timeout_s=0, skip=())
        world.db.execute("update projection_lease set expires_at = clock_timestamp() - interval '1 s'")
        world.catch_up()
        after = world.prints()
        with pytest.raises(LeaseLostError):
            zombie.take(batch)
        assert world.prints() == after
        zombie.forget()
        assert leases.claim()[1]
        zombie.open(range(64))
        assert dict(zombie.at) == {p: heads(world).get(p, 0) for p in range(64)}


def test_a_worker_that_comes_too_late_to_open_a_partition_does_not_take_it(world: World) -> None:
    prepare(world.db, SHOP)
    with closing(world.connect()) as db, closing(world.connect()) as other_db:
        late, quick = Leases(db, term=QUICK.term), Leases(other_db, term=QUICK.term)
        held, _ = late.claim()
        quick.seize(7)
        engine = Engine(db, builds_of(db, SHOP), late.worker)
        engine.open(held)
        assert engine.at.keys() == set(range(64)) - {7}


def test_partitions_spread_over_those_who_come_and_return_from_those_who_go(world: World) -> None:
    prepare(world.db, SHOP)
    with closing(world.connect()) as db, closing(world.connect()) as other_db:
        first, second = Leases(db), Leases(other_db)
        assert len(first.claim()[0]) == 64
        assert second.claim() == (frozenset(), False)
        assert len(first.claim()[0]) == 32
        taken, has_taken = second.claim()
        assert (len(taken), has_taken) == (32, True)
        first.release()
        assert len(second.claim()[0]) == 64


def test_a_dead_worker_s_partitions_move_on_after_a_term(quietly: World) -> None:
    world = quietly
    prepare(world.db, SHOP)
    with closing(world.connect()) as db:
        assert len(Leases(db, term=QUICK.term).claim()[0]) == 64
    world.story.customers(20)
    with world.workers():
        assert wait_until(world.db, heads(world), timeout_s=30)


def test_a_stopped_worker_gives_its_partitions_back_at_once(quietly: World) -> None:
    world = quietly
    world.story.customers(20)
    prepare(world.db, SHOP)
    with world.workers():
        assert wait_until(world.db, heads(world), timeout_s=30)
    assert world.ask("select 1 from projection_lease where worker <> 0 or expires_at > now()") == []
    assert world.ask("select 1 from projection_worker") == []


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="relato-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with PostgresServer(Path(folder) / "data") as server:
            yield server


def test_a_database_that_is_killed_and_comes_back_is_waited_for(own_server: PostgresServer) -> None:
    dsn = create_pair(own_server).owner
    ledger = PostgresLedger(dsn)
    story = Story(ledger)
    story.customers(150)
    world = World(dsn, story, connect(dsn, SHOP))
    prepare(world.db, SHOP)
    with world.workers(2):
        wait_until(world.db, dict.fromkeys(heads(world), 1), timeout_s=30)
        own_server.kill()
        threading.Event().wait(0.5)
        own_server.start()
        ledger.close()
        story._ledger = PostgresLedger(dsn)
        story.customers(20)
        world.db.close()
        world.db = connect(dsn, SHOP)
        assert wait_until(world.db, heads(world), timeout_s=30)
    assert world.failures == []
    survived = world.prints()
    world.forget_everything()
    world.catch_up()
    assert world.prints() == survived
    story._ledger.close()
    world.db.close()


def test_a_ledger_restored_from_an_older_backup_stops_the_folds(world: World) -> None:
    world.story.customers(20)
    world.catch_up()
    partition = min(heads(world))
    world.db.execute("update projection_bookmark set seq = seq + 1 where partition = %s", [partition])
    with pytest.raises(AheadError, match="older backup"):
        world.catch_up()
    with pytest.raises(AheadError):
        rebuild(SHOP, ["people"], **world.access, pace=QUICK)
    start_over(world.db, SHOP)
    world.catch_up()
    assert world.ask("select count(*) from people") == [(20,)]


def test_a_service_starts_over_under_its_workers(quietly: World) -> None:
    world = quietly
    world.story.customers(100, erased=3)
    prepare(world.db, SHOP)
    with world.workers(2):
        assert wait_until(world.db, heads(world), timeout_s=30)
        straight = world.prints()
        start_over(world.db, SHOP)
        world.story.customers(20)
        assert wait_until(world.db, heads(world), timeout_s=30)
    again = world.prints()
    assert again.keys() == straight.keys()
    world.forget_everything()
    world.catch_up()
    assert world.prints() == again


def test_a_worker_told_to_stop_while_the_database_is_away_stops(world: World) -> None:
    world.dsn += " connect_timeout=1 port=1"
    with world.workers():
        threading.Event().wait(0.3)
    assert world.failures == []
