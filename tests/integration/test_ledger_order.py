"""Readers at the ledger's tail, while several processes append and some commits are late: no gap, no other order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from adapters.postgres.ledger import PostgresLedger
from domain.event import Event
from tests.backend import Backend, await_blocked, new_master
from tests.conftest import Databases
from tests.contracts.ledger_contract import append_one
from tests.issuing import Plan

PROCESSES = 3
EACH = 150

APPEND = """
select * from ledger.append(
  array[row(1, %(stream)s, 1, %(stream)s, gen_random_uuid(), %(command)s, %(command)s, %(command)s, now(),
            'crm.customer.need_noted.v1', 'tester', 'command', convert_to('{"need":"late"}', 'UTF8'), '')
        ::ledger.new_fact],
  array[row(1, %(command)s)::ledger.command], array[row(1, %(stream)s, 0, true)::ledger.expectation])
"""


class Tail(threading.Thread):
    """Follows one reader as fast as it can until it is told to finish, then once more to the end."""

    def __init__(self, read: Callable[[int], Sequence[Event]], numbering: str) -> None:
        super().__init__()
        self._read, self._numbering, self._finishing = read, numbering, threading.Event()
        self.events: list[Event] = []

    def run(self) -> None:
        last_round = False
        while not last_round:
            last_round = self._finishing.is_set()
            while found := self._read(getattr(self.events[-1], self._numbering) if self.events else 0):
                self.events += found

    def finish(self) -> list[Event]:
        self._finishing.set()
        self.join()
        return self.events


@pytest.fixture
def reader(databases: Databases) -> Iterator[PostgresLedger]:
    reader = PostgresLedger(databases.app)
    yield reader
    reader.close()


def read_five(reader: PostgresLedger, partition: int, after: int) -> Sequence[Event]:
    return reader.read_partition(partition, after, 5)


def append_late(db: psycopg.Connection) -> UUID:
    """Appends in a transaction that stays open."""
    stream = uuid7()
    db.execute(APPEND, {"stream": stream, "command": uuid7()})
    return stream


def test_readers_at_the_tail_see_every_fact_once_and_in_order(
    databases: Databases, reader: PostgresLedger, tmp_path: Path
) -> None:
    master = new_master()
    with Backend.open(databases.app, databases.keys_app, master) as backend:
        customers = [str(backend.customer()) for _ in range(12)]
    plans = [
        Plan(
            databases.app, databases.keys_app, master, customers, seed, EACH, 4, str(tmp_path / f"acknowledged-{seed}")
        )
        for seed in range(PROCESSES)
    ]
    partitions = sorted({UUID(customer).int & 63 for customer in customers})[:3]
    tails = [Tail(lambda after: reader.read(after, 7), "position")]
    tails += [Tail(partial(read_five, reader, partition), "partition_seq") for partition in partitions]
    issuers = [plan.start(tmp_path) for plan in plans]
    for tail in tails:
        tail.start()
    try:
        with psycopg.connect(databases.app) as db:
            while any(issuer.poll() is None for issuer in issuers):
                append_late(db)
                db.execute("select pg_sleep(0.05)")
                db.commit()
        assert [issuer.wait() for issuer in issuers] == [0] * PROCESSES
    finally:
        for issuer in issuers:
            issuer.kill()
            issuer.wait()
        everything, *of_partitions = [tail.finish() for tail in tails]
    assert len(everything) == reader.last_position() > len(customers) + PROCESSES * EACH
    assert [event.position for event in everything] == list(range(1, len(everything) + 1))
    assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(everything))
    for partition, seen in zip(partitions, of_partitions, strict=True):
        assert [event.partition_seq for event in seen] == list(range(1, len(seen) + 1))
        assert [e.event_id for e in seen] == [e.event_id for e in everything if e.partition == partition]
    assert {e.command_id for e in everything} >= {command_id for plan in plans for command_id in plan.command_ids()}
    assert_no_faults(databases)


def test_what_is_appended_but_not_committed_is_neither_seen_nor_overtaken(
    databases: Databases, ledger: PostgresLedger
) -> None:
    append_one(ledger, uuid7(), 0)
    with psycopg.connect(databases.app) as late:
        stream = append_late(late)
        other = threading.Thread(target=append_one, args=[ledger, uuid7(), 0])
        other.start()
        await_blocked(databases.app)
        assert [event.position for event in ledger.read(0, 10)] == [1]
        assert ledger.last_position() == 1
        late.commit()
    other.join()
    assert [event.position for event in ledger.read(0, 10)] == [1, 2, 3]
    assert ledger.read(1, 1)[0].stream_id == stream


def test_an_append_that_is_rolled_back_leaves_no_gap(databases: Databases, ledger: PostgresLedger) -> None:
    append_one(ledger, uuid7(), 0)
    with psycopg.connect(databases.app) as late:
        stream = append_late(late)
        other = threading.Thread(target=append_one, args=[ledger, uuid7(), 0])
        other.start()
        await_blocked(databases.app)
        late.rollback()
    other.join()
    assert [event.position for event in ledger.read(0, 10)] == [1, 2]
    assert ledger.load([stream]) == []
    assert_no_faults(databases)


def test_an_append_waits_for_whoever_holds_the_lock_and_then_sees_what_they_wrote(
    databases: Databases, ledger: PostgresLedger
) -> None:
    """The function's snapshot is taken after the lock: a snapshot from before would give the position again."""
    with psycopg.connect(databases.app, autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(7305)")
        waiting = threading.Thread(target=append_one, args=[ledger, uuid7(), 0])
        waiting.start()
        await_blocked(databases.app)
        append_late(holder)  # the lock is its own
        holder.execute("select pg_advisory_unlock(7305)")
        waiting.join()
    assert [event.position for event in ledger.read(0, 10)] == [1, 2]


def test_a_clock_that_is_set_back_does_not_make_recorded_at_run_backwards(
    databases: Databases, ledger: PostgresLedger
) -> None:
    append_one(ledger, uuid7(), 0)
    with psycopg.connect(databases.owner) as db:  # as if the clock had been an hour ahead
        db.execute("alter table ledger.fact disable trigger append_only")
        db.execute("update ledger.fact set recorded_at = recorded_at + interval '1 hour'")
        db.execute("alter table ledger.fact enable trigger append_only")
    append_one(ledger, uuid7(), 0)
    first, second = ledger.read(0, 10)
    assert first.recorded_at == second.recorded_at


def assert_no_faults(databases: Databases) -> None:
    store = PostgresCheckpointStore(databases.app)
    try:
        assert set(store.faults().values()) == {0}
    finally:
        store.close()
