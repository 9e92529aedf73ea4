"""Whatever kills the process that appends: each command that was acknowledged is in the ledger exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psycopg

from tests.backend import Backend, await_blocked
from tests.conftest import Databases
from tests.faults.needs import LOCK, assert_once
from tests.issuing import Plan


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
