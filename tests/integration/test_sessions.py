"""The sessions with PostgreSQL of one process: bounded, given back, and not waited for without end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from adapters.ids import uuid7
from adapters.postgres.libpq import DatabaseBusyError, Pool
from deploy import wiring
from deploy.api import parts_of
from deploy.settings import Settings
from deploy.wiring import Installation
from tests.backend import new_master
from tests.conftest import Databases

CALLERS = 60
MOST = 25  # of the API, beside what the test itself has
SETTLED_S = 0.7
SLEEP = "select pg_sleep(0.05)"


def count_sessions(databases: Databases) -> int:
    """But the one that counts."""
    names = [conninfo_to_dict(dsn)["dbname"] for dsn in (databases.app, databases.keys_app)]
    with psycopg.connect(databases.owner, autocommit=True) as db:
        found = db.execute("select count(*) from pg_stat_activity where pid <> pg_backend_pid()"
                           " and backend_type = 'client backend' and datname = any(%s)",
                           [names]).fetchone()  # fmt: skip
    assert found is not None
    return int(found[0])


def await_sessions(databases: Databases, count: int) -> None:
    deadline = time.monotonic() + 10
    while (found := count_sessions(databases)) != count:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def settled(databases: Databases) -> int:
    """Once it grows no more."""
    found, since = 0, time.monotonic()
    while time.monotonic() - since < SETTLED_S:
        if (now := count_sessions(databases)) > found:
            found, since = now, time.monotonic()
        time.sleep(0.02)
    return found


def test_many_threads_share_a_few_sessions_which_are_given_back(databases: Databases) -> None:
    with closing(Pool(databases.app, most=3, idle_s=0.3)) as pool, ThreadPoolExecutor(20) as threads:
        asked = [threads.submit(pool, SLEEP) for _ in range(40)]
        assert count_sessions(databases) <= 3
        assert {one.result().ntuples for one in asked} == {1}
        await_sessions(databases, 0)
        assert pool(SLEEP).ntuples == 1


def test_who_waits_too_long_for_a_session_is_told_so(databases: Databases) -> None:
    with closing(Pool(databases.app, most=1, patience_s=0.1)) as pool, ThreadPoolExecutor(1) as threads:
        long = threads.submit(pool, "select pg_sleep(1)")
        await_sessions(databases, 1)
        with pytest.raises(DatabaseBusyError):
            pool(SLEEP)
        assert long.result().ntuples == 1
        assert pool(SLEEP).ntuples == 1


def test_a_session_that_failed_leaves_room_for_another(databases: Databases) -> None:
    with closing(Pool(databases.app, most=1, patience_s=0.1)) as pool:
        with pytest.raises(Exception, match="nonsense"):
            pool("select nonsense")
        assert pool(SLEEP).ntuples == 1


@pytest.fixture
def installation(databases: Databases, tmp_path: Path) -> Iterator[Installation]:
    settings = Settings(home=tmp_path, master_key=SecretStr(new_master()))
    places = wiring.Databases(databases.owner, databases.app, databases.keys_owner, databases.keys_app)
    with Installation(settings, databases=places) as installation:
        yield installation


def test_a_burst_of_callers_takes_a_few_sessions_and_all_are_answered(
    installation: Installation, databases: Databases
) -> None:
    parts, some_id = parts_of(installation), uuid7()
    works: list[Callable[[], object]] = [
        lambda: installation.ledger.load([some_id]),
        lambda: parts.identities.identified_as(some_id),
        lambda: parts.attachments.facts_of([some_id]),
        lambda: installation.vault.erased([some_id]),
    ]
    with ThreadPoolExecutor(CALLERS) as callers:
        with psycopg.connect(databases.owner) as db:
            db.execute("lock ledger.fact in access exclusive mode")  # nobody comes further until we have counted
            asked = [callers.submit(work) for _ in range(CALLERS) for work in works]
            assert settled(databases) <= MOST
        assert not any(one.result() for one in asked)


def test_an_api_that_can_have_no_more_sessions_is_not_ready(installation: Installation, databases: Databases) -> None:
    faults = parts_of(installation).faults
    assert faults() == []
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute(sql.SQL("alter database {} connection limit 0").format(sql.Identifier(db.info.dbname)))
    assert [fault.partition(":")[0] for fault in faults()] == ["sessions"]
