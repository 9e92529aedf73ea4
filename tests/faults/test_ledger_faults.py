"""Whatever is killed, cut off, full or stopped: each command that was acknowledged is in the ledger exactly once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest

from adapters.daemon import is_alive
from adapters.ids import uuid7
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from adapters.postgres.libpq import DatabaseRefusedError
from adapters.postgres.server import PostgresServer
from domain.customer.facts import CustomerRegistered, NeedNoted
from domain.decider import Command
from domain.errors import OutcomeUnknownError, UnavailableError
from domain.execute import Context, Outcome
from domain.personal import Sealed
from tests.backend import Backend, await_blocked, order
from tests.conftest import Databases, create_pair
from tests.faults.cutting import Cut, CuttingProxy
from tests.issuing import Plan

LOCK = "select pg_advisory_lock(7305)"


def assert_once(backend: Backend, app: str, command_ids: Sequence[UUID]) -> None:
    """Each command has one fact, nothing else is there but the customers, and every numbering is whole."""
    events = backend.ledger.read(0, 100_000)
    counts = Counter(event.command_id for event in events if event.type != CustomerRegistered.TYPE)
    assert counts == dict.fromkeys(command_ids, 1)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    store = PostgresCheckpointStore(app)
    try:
        assert set(store.faults().values()) == {0}
    finally:
        store.close()


def need(backend: Backend, customer_id: UUID, n: int, context: Context) -> Outcome:
    return backend.do("customer.note_need", context, customer_id=customer_id, need=f"need {n}", note=f"said {n}")


def insist(backend: Backend, customer_id: UUID, n: int, context: Context) -> Outcome:
    """As a caller is told to: repeated with the same id while the outcome is unknown."""
    while True:
        try:
            return need(backend, customer_id, n, context)
        except UnavailableError:
            continue


def issuer(timeout_s: float = 30) -> Context:
    return Context(uuid7(), "issuer", timeout_s=timeout_s)


class TestKilledAppender:
    def test_what_was_acknowledged_is_there_once_however_often_it_is_killed(
        self, own: Databases, master: str, backend: Backend, tmp_path: Path
    ) -> None:
        chance = random.Random(7)
        customers = [str(backend.customer()) for _ in range(4)]
        plan = Plan(own.app, own.keys_app, master, customers, 1, 600, 6, str(tmp_path / "acknowledged"))
        for _ in range(7):
            before = len(plan.read_acknowledged())
            process = plan.start(tmp_path)
            try:
                await_acknowledged(plan, process, before + chance.randrange(1, 60))
                time.sleep(chance.random() * 0.02)
            finally:
                process.kill()
                process.wait()
            assert process.returncode in (-signal.SIGKILL, 0)
            there = Counter(event.command_id for event in backend.ledger.read(len(customers), 10_000))
            assert set(there.values()) <= {1}
            assert set(plan.read_acknowledged()) <= set(there)
        finish(plan, tmp_path)
        assert set(plan.read_acknowledged()) == set(plan.command_ids())
        assert_once(backend, own.app, plan.command_ids())

        anew = replace(plan, acknowledged=str(tmp_path / "acknowledged anew"))
        finish(anew, tmp_path)
        assert len(anew.read_acknowledged()) == plan.count
        assert_once(backend, own.app, plan.command_ids())

    def test_a_kill_between_request_and_commit_writes_all_or_nothing(
        self, own: Databases, master: str, backend: Backend, tmp_path: Path
    ) -> None:
        """The process dies while its append waits for the lock; PostgreSQL may still carry it out, or not."""
        customers = [str(backend.customer())]
        plan = Plan(own.app, own.keys_app, master, customers, 2, 8, 8, str(tmp_path / "acknowledged"))
        with psycopg.connect(own.owner, autocommit=True) as db:
            db.execute(LOCK)
            process = plan.start(tmp_path)
            await_blocked(own.owner)
            process.kill()
            process.wait()
        assert plan.read_acknowledged() == []
        finish(plan, tmp_path)
        assert_once(backend, own.app, plan.command_ids())


def await_acknowledged(plan: Plan, process: subprocess.Popen[bytes], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(plan.read_acknowledged()) < count and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def finish(plan: Plan, folder: Path) -> None:
    process = plan.start(folder)
    try:
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()


class TestLostReplies:
    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="relato-") as folder:
            yield Path(folder)

    @pytest.mark.parametrize("cut", Cut)
    def test_the_caller_gets_the_outcome_of_what_happened_once(
        self, own: Databases, master: str, backend: Backend, folder: Path, cut: Cut
    ) -> None:
        cuts = [None, cut]
        with CuttingProxy(own.app, folder, lambda: cuts.pop(0) if cuts else None) as proxy:
            through = Backend.open(proxy.dsn, own.keys_app, master)
            customer_id, context = through.customer(), issuer()
            first = need(through, customer_id, 1, context)
            again = need(through, customer_id, 1, context)
            through.close()
        assert proxy.cuts == [cut]
        assert (first.repeated, again.repeated) == (cut is Cut.REPLY, True)
        [event] = backend.ledger.read(1, 10)
        assert [place.position for place in first.places] == [event.position] == [2]
        assert first.places == again.places

    def test_many_callers_over_a_bad_line_lose_and_double_nothing(
        self, own: Databases, master: str, backend: Backend, folder: Path
    ) -> None:
        chance = random.Random(11)
        customers = [backend.customer() for _ in range(4)]
        contexts = [issuer() for _ in range(240)]
        with CuttingProxy(own.app, folder, lambda: chance.choice([*Cut, *[None] * 8])) as proxy:
            through = Backend.open(proxy.dsn, own.keys_app, master)
            with ThreadPoolExecutor(12) as pool:
                outcomes = list(
                    pool.map(lambda n: insist(through, customers[n % 4], n, contexts[n]), range(len(contexts)))
                )
            through.close()
        assert set(proxy.cuts) == set(Cut)
        assert_once(backend, own.app, [context.command_id for context in contexts])
        events = {event.position: event for event in backend.ledger.read(0, 1_000)}
        for context, outcome in zip(contexts, outcomes, strict=True):
            assert [events[place.position].command_id for place in outcome.places] == [context.command_id]

    def test_batches_over_a_bad_line_lose_and_double_nothing(
        self, own: Databases, master: str, backend: Backend, folder: Path
    ) -> None:
        cuts = [None, Cut.REPLY, Cut.REPLY, None, Cut.REQUEST, Cut.REPLY]
        customer_id, contexts = backend.customer(), [issuer() for _ in range(60)]
        with CuttingProxy(own.app, folder, lambda: cuts.pop(0) if cuts else None) as proxy:
            through = Backend.open(proxy.dsn, own.keys_app, master)
            for start in range(0, 60, 10):
                batch = [
                    (order("customer.note_need", customer_id=customer_id, need=f"need {start + n}"), context)
                    for n, context in enumerate(contexts[start : start + 10])
                ]
                verdicts = through.executor.execute_all(batch)
                assert [len(verdict.places) for verdict in verdicts if isinstance(verdict, Outcome)] == [1] * 10
            through.close()
        assert len(proxy.cuts) == 4
        assert_once(backend, own.app, [context.command_id for context in contexts])


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

        with ThreadPoolExecutor(8) as pool:
            callers = [pool.submit(call, thread) for thread in range(8)]
            for _ in range(3):
                before = len(acknowledged)
                while len(acknowledged) < before + 40:
                    time.sleep(0.01)
                server.kill()
                server.start()
            while len(acknowledged) < before + 80:
                time.sleep(0.01)
            stop.set()
            for caller in callers:
                caller.result(60)
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


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own; where nobody may mount one, tests/unit/test_group_commit.py tells of full disks."""
    with tempfile.TemporaryDirectory(prefix="relato-") as folder:
        place = Path(folder) / "small"
        place.mkdir()
        Path(folder).chmod(0o711)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=240m", "tmpfs", place], check=False, capture_output=True
        )
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
        place.chmod(0o711)
        yield place
        subprocess.run(["umount", place], check=True)


class TestFullDisk:
    def note(self, backend: Backend, customer_id: UUID, context: Context) -> Outcome:
        return backend.executor.execute(self.big_note(customer_id)[0], context)

    def test_a_ledger_that_cannot_grow_refuses_and_goes_on_when_there_is_room(
        self, server: PostgresServer, own: Databases, master: str, small_disk: Path
    ) -> None:
        """Only the ledger's tables lie on the full disk: the server stays up, the append is refused as a whole."""
        owner = server.data.stat()
        tables = small_disk / "tables"
        tables.mkdir()
        os.chown(tables, owner.st_uid, owner.st_gid)
        with psycopg.connect(server.dsn(), autocommit=True) as db:
            db.execute(f"create tablespace small location '{tables}'".encode())
        with psycopg.connect(own.owner, autocommit=True) as db:
            db.execute("alter table ledger.fact set tablespace small")
        ballast = small_disk / "ballast"
        try:
            with Backend.open(own.app, own.keys_app, master) as backend:
                customer_id, first = backend.customer(), issuer()
                self.note(backend, customer_id, first)
                fill_up(ballast)
                written, refused = self.until_refused(backend, customer_id)
                written.append(first.command_id)
                with pytest.raises(DatabaseRefusedError, match=r"nothing was written.*No space left on device"):
                    self.note(backend, customer_id, refused)
                assert_once(backend, own.app, written)
                ballast.unlink()
                assert not self.note(backend, customer_id, refused).repeated
                assert_once(backend, own.app, [*written, refused.command_id])
        finally:
            with psycopg.connect(own.owner, autocommit=True) as db:
                db.execute("alter table ledger.fact set tablespace pg_default")
            with psycopg.connect(server.dsn(), autocommit=True) as db:
                db.execute("drop tablespace small")

    def until_refused(self, backend: Backend, customer_id: UUID) -> tuple[list[UUID], Context]:
        written: list[UUID] = []
        while True:
            context = issuer()
            try:
                self.note(backend, customer_id, context)
            except DatabaseRefusedError:
                return written, context
            written.append(context.command_id)

    def test_a_server_that_cannot_write_its_log_loses_nothing_that_was_acknowledged(
        self, small_disk: Path, master: str
    ) -> None:
        """PostgreSQL goes down then; after the restart all that was acknowledged is there, and no batch by half."""
        with tempfile.TemporaryDirectory(prefix="relato-") as folder:
            Path(folder).chmod(0o711)
            server = PostgresServer(Path(folder) / "data", settings={"min_wal_size": "32MB", "max_wal_size": "64MB"})
            server.start()
            server.stop()
            subprocess.run(["mv", server.data / "pg_wal", small_disk], check=True)
            (server.data / "pg_wal").symlink_to(small_disk / "pg_wal")
            server.start()
            try:
                self.fill_the_log(server, create_pair(server), master, small_disk / "ballast")
            finally:
                server.kill()

    def fill_the_log(self, server: PostgresServer, own: Databases, master: str, ballast: Path) -> None:
        with Backend.open(own.app, own.keys_app, master) as backend:
            customer_id, written, postmaster = backend.customer(), list[UUID](), server.pid or 0
            fill_up(ballast)
            while True:
                batch = [self.big_note(customer_id) for _ in range(50)]
                try:
                    backend.executor.execute_all(batch)
                except UnavailableError:
                    break
                written += [context.command_id for _, context in batch]
                assert len(written) < 100_000
            ballast.unlink()
            server.start()
            is_alive(postmaster)  # reaped when it is not
            there = [event.command_id for event in backend.ledger.read(1, 200_000)]
            unknown = [context.command_id for _, context in batch]
            assert there in (written, [*written, *unknown])
            backend.executor.execute_all(batch)
            assert_once(backend, own.app, [*written, *unknown])

    def big_note(self, customer_id: UUID) -> tuple[Command, Context]:
        fields = {"interaction_id": uuid7(), "kind": "factual", "content": os.urandom(4_000).hex()}
        return order("interaction.take_note", customer_id=customer_id, **fields), issuer(timeout_s=2)


def fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            pass
