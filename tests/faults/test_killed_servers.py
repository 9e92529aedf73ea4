"""PostgreSQL killed, restarted or stopped: each command that was acknowledged is in the ledger exactly once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import psutil
import psycopg
import pytest

from adapters.postgres.server import PostgresServer
from domain.customer.facts import NeedNoted
from domain.errors import OutcomeUnknownError
from domain.execute import Outcome
from domain.personal import Sealed
from tests.backend import Backend, await_blocked
from tests.conftest import Databases
from tests.faults.needs import LOCK, assert_once, insist, issuer, need
from tests.faults.under_load import kill_under_load


class TestKilledServer:
    def test_a_caller_that_waits_gets_its_outcome_after_the_restart(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        customer_id, context = backend.customer(), issuer()
        with psycopg.connect(own.owner, autocommit=True) as db, ThreadPoolExecutor(1) as pool:
            db.execute(LOCK)
            waiting = pool.submit(need, backend, customer_id, 1, context)
            await_blocked(own.owner)
            server.kill()
            server.start()
            assert [place.position for place in waiting.result(30).places] == [2]
        assert_once(backend, own.app, [context.command_id])

    def test_idle_sessions_that_died_with_the_server_cost_nobody_an_error(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        """After a crash libpq calls such a session a good one until it is used."""
        customer_id, contexts = backend.customer(), [issuer() for _ in range(3)]
        for n, context in enumerate(contexts):
            session = backend.ledger._writer._connection
            assert session is not None
            os.kill(session._connection.info.backend_pid, signal.SIGKILL)  # the postmaster restarts all of them
            await_recovery(own)
            assert len(need(backend, customer_id, n, context).places) == 1
            assert len(backend.ledger.load([customer_id])) == n + 2
        assert server.is_running
        assert_once(backend, own.app, [context.command_id for context in contexts])

    def test_under_load_nothing_that_was_acknowledged_is_lost_and_no_repeat_doubles(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        customers = [backend.customer() for _ in range(4)]
        acknowledged: dict[UUID, Outcome] = {}
        stop = threading.Event()

        def call(thread: int) -> None:
            n = 0
            while not stop.is_set():
                context = issuer()
                acknowledged[context.command_id] = insist(backend, customers[thread % 4], thread * 10_000 + n, context)
                n += 1

        callers = [partial(call, thread) for thread in range(8)]
        kill_under_load(server, callers, stop, done=acknowledged, kills=3, each=40, rest=80)
        assert_once(backend, own.app, list(acknowledged))
        events = {event.position: event for event in backend.ledger.read(0, 100_000)}
        for command_id, outcome in acknowledged.items():
            assert [events[place.position].command_id for place in outcome.places] == [command_id]
        notes = [
            e.fact.note for e in events.values() if isinstance(e.fact, NeedNoted) and isinstance(e.fact.note, Sealed)
        ]
        assert all(str(note).startswith("said ") for note in backend.vault.open(notes))

    def test_longer_than_the_deadline_the_caller_is_told_that_nobody_knows_and_what_to_do(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        customer_id, context = backend.customer(), issuer(timeout_s=1.5)
        with psycopg.connect(own.owner, autocommit=True) as db, ThreadPoolExecutor(1) as pool:
            db.execute(LOCK)
            waiting = pool.submit(need, backend, customer_id, 1, context)
            await_blocked(own.owner)
            server.kill()
            since = time.monotonic()
            with pytest.raises(OutcomeUnknownError, match="repeat with the same id"):
                waiting.result(30)
            assert time.monotonic() - since < 2.5
        server.start()
        assert len(insist(backend, customer_id, 1, context).places) == 1
        assert_once(backend, own.app, [context.command_id])

    def test_a_server_that_hangs_holds_nobody_past_the_deadline(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        customer_id, context = backend.customer(), issuer(timeout_s=1)
        need(backend, customer_id, 0, first := issuer())
        backend.vault.open([])  # the keys are at hand: only the ledger is asked
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
        for process in processes:
            process.suspend()
        try:
            since = time.monotonic()
            with pytest.raises(OutcomeUnknownError, match="repeat with the same id"):
                backend.do("customer.note_need", context, customer_id=customer_id, need="need 1")
            assert time.monotonic() - since < 2
        finally:
            for process in processes:
                process.resume()
        outcome = backend.do("customer.note_need", context, customer_id=customer_id, need="need 1")
        assert (outcome.repeated, len(outcome.places)) == (True, 1)
        assert_once(backend, own.app, [first.command_id, context.command_id])


def await_recovery(own: Databases) -> None:
    """Until the server that lost a process has thrown out the others and takes new ones."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(own.keys_owner, autocommit=True) as db:
            if db.execute("select pg_postmaster_start_time() is not null, pg_sleep(0.2)").fetchone():
                return
    raise AssertionError("the server did not recover")
