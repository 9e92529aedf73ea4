"""A rebuild: read models folded again beside the live ones, by any number of processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import psycopg

from domain.errors import RelatoError, UnknownError
from projections.engine.compare import Comparison, compare, stands_behind
from projections.engine.engine import check_within
from projections.engine.leases import LIVE, TERM
from projections.engine.progress import count_behind
from projections.engine.readmodel import Build, ReadModel, Service
from projections.engine.schema import (
    builds_of,
    drop_build,
    live_table,
    make_build,
    make_views,
    prepare,
)
from projections.engine.trials import drop_trials, hold_trial
from projections.engine.worker import Connect, OpenLog, Pace, catch_up, collect_garbage_rarely, joined

# So many facts may be left to the live workers when they take the new table over.
NEAR = 2_000
TAKEN_OVER_S = 60.0


class RebuildFailedError(RelatoError):
    """A process of the rebuild ended early; what it had folded is kept: start the rebuild again and it goes on."""


class NotTakenOverError(RelatoError):
    """No live worker folds the new table: run workers whose code knows its version, then compare and switch."""


class NothingLiveError(RelatoError):
    """Readers see no table of this read model yet, so there is nothing to compare with: rebuild it."""


class Rebuilt(NamedTuple):
    """A new table that the live workers fold too, or that is live because there was none.

    The comparison is None where there was nothing to compare with.
    """

    build: Build
    comparison: Comparison | None


class Work(NamedTuple):
    """What every process of a rebuild is given."""

    service: Service
    connect: Connect
    open_log: OpenLog
    pace: Pace


def rebuild(
    service: Service,
    names: Sequence[str],
    *,
    connect: Connect,
    open_log: OpenLog,
    processes: int = 1,
    pace: Pace | None = None,
    is_trial: bool = False,
) -> Sequence[Rebuilt]:
    """Folds the newest versions of these read models in one reading of the log, and compares them with the live ones.

    Readers see no change until `switch`. A rebuild that was interrupted goes on where it was; a trial, which is only
    compared, drops its tables at the end, or the next rebuild does. The arguments are pickled when there are several
    processes.
    """
    work = Work(service, connect, open_log, pace or Pace())
    with closing(connect()) as db:
        prepare(db, service)
        drop_trials(db, service)
        try:
            builds = [begin_trial(db, service, n) if is_trial else _begin(db, service, n) for n in names]
            return _fold_beside(db, work, builds, processes)
        finally:
            if is_trial:
                drop_trials(db, service)


def _fold_beside(db: psycopg.Connection[Any], work: Work, builds: Sequence[Build], processes: int) -> Sequence[Rebuilt]:
    tables = sorted(build.table for build in builds)
    while count_behind(db, goal := _goal(db, builds, work.open_log), ["building"], tables):
        _run(partial(fold_share, work, tables, goal, processes), processes)
        if _facts_behind(db, builds) < NEAR:
            break
    frozen = {b: _compare_with_live(db, b) for b in builds if _is_frozen(db, work.service, b)}
    _hand_over(db, work.service, builds, tables)
    _await_live_workers(db, work, builds)
    return [Rebuilt(b, frozen[b] if b in frozen else _compare_with_live(db, b)) for b in builds]


def fold_share(work: Work, tables: Sequence[str], goal: Mapping[int, int], processes: int) -> None:
    """One process of a rebuild: takes its share of the partitions until all of them are folded up to the goal."""
    with joined(
        work.service,
        partial(_connect_relaxed, work.connect),
        work.open_log,
        work.pace,
        crew=crew_of(tables),
        states=("building",),
        only=tables,
        expected=processes,
    ) as worker:
        while worker.step(wait=False, until=goal) or not worker.has_folded(goal):
            if worker.is_done(goal):
                time.sleep(work.pace.poll_s / 10)


def crew_of(tables: Collection[str]) -> str:
    return "+".join(sorted(tables))


def _connect_relaxed(connect: Connect) -> psycopg.Connection[Any]:
    """What a crash loses of a rebuild is folded again: rows and bookmark are lost together."""
    db = connect()
    db.execute("set synchronous_commit = off")
    return db


def _begin(db: psycopg.Connection[Any], service: Service, name: str) -> Build:
    """The build to go on with, or a new one; an older one that was kept to go back to makes room for it."""
    model, builds = _newest(service, name), builds_of(db, service, is_trial=False)
    for build, state in builds.items():
        if build.model is model and state == "building":
            return build
    for build, state in builds.items():
        if build.model is model and state == "standby":
            drop_build(db, build)
    return _make_beside(db, service, model)


def begin_trial(db: psycopg.Connection[Any], service: Service, name: str) -> Build:
    """A new build, beside one that waits to be switched to; its table is ours until this session ends."""
    if live_table(db, name) is None:
        raise NothingLiveError(read_model=name)
    with db.transaction():
        build = _make_beside(db, service, _newest(service, name), is_trial=True)
        hold_trial(db, service, build)
    return build


def _newest(service: Service, name: str) -> ReadModel[Any]:
    if not (versions := service.named(name)):
        raise UnknownError(read_model=name)
    return versions[-1]


def _make_beside(
    db: psycopg.Connection[Any], service: Service, model: ReadModel[Any], *, is_trial: bool = False
) -> Build:
    name = model.name
    taken = {suffix for (suffix,) in db.execute("select suffix from projection_build where model = %s", [name])}
    names = [str(model.version), *(f"{model.version}_{n}" for n in range(2, len(taken) + 3))]
    build = Build(model, next(suffix for suffix in names if suffix not in taken))
    with db.transaction():
        make_build(db, service, build, "building", is_trial=is_trial)
    return build


def _goal(db: psycopg.Connection[Any], builds: Sequence[Build], open_log: OpenLog) -> Mapping[int, int]:
    """Where the live tables stand; the ledger's heads when there are none."""
    live = [table for build in builds if (table := live_table(db, build.model.name))]
    folded: dict[int, int] = dict(
        db.execute("select partition, min(seq) from projection_bookmark where table_name = any(%s)"
                   " group by 1 having min(seq) > 0", [live]).fetchall()
    )  # fmt: skip
    with closing(open_log()) as log:
        heads = log.heads()  # afterwards: live workers go on meanwhile
    check_within(folded, heads)
    return folded if live else heads


def _facts_behind(db: psycopg.Connection[Any], builds: Sequence[Build]) -> int:
    pairs = [(build.table, live_table(db, build.model.name)) for build in builds]
    return max(stands_behind(db, table, live) if live else 0 for table, live in pairs)


def _is_frozen(db: psycopg.Connection[Any], service: Service, build: Build) -> bool:
    """Whether the live table is of a version that this code cannot fold on."""
    live = live_table(db, build.model.name)
    return live is not None and live not in {known.table for known in builds_of(db, service, "live")}


def _compare_with_live(db: psycopg.Connection[Any], build: Build) -> Comparison | None:
    live = live_table(db, build.model.name)
    if (
        live is None
        or live == build.table
        or stands_behind(db, live, build.table) + stands_behind(db, build.table, live)
    ):
        return None
    return compare(db, live, build.table)


def _hand_over(db: psycopg.Connection[Any], service: Service, builds: Sequence[Build], tables: Sequence[str]) -> None:
    with db.transaction():
        for build in builds:
            state = "standby" if live_table(db, build.model.name) else "live"
            db.execute("update projection_build set state = %s where table_name = %s and state = 'building'",
                       [state, build.table])  # fmt: skip
        for kept in ("projection_lease", "projection_worker"):
            db.execute(f"delete from {kept} where crew = %s".encode(), [crew_of(tables)])
        make_views(db, service)


def _await_live_workers(db: psycopg.Connection[Any], work: Work, builds: Sequence[Build]) -> None:
    """Until the live workers fold the new tables in the same transactions; where there are none, we are."""
    if not _has_live_workers(db):
        catch_up(work.service, connect=work.connect, open_log=work.open_log, pace=work.pace)
        return
    deadline = time.monotonic() + TAKEN_OVER_S
    while _facts_behind(db, builds) > 0:
        if time.monotonic() > deadline:
            raise NotTakenOverError(tables=[build.table for build in builds])
        time.sleep(0.1)


def _has_live_workers(db: psycopg.Connection[Any]) -> bool:
    seen = "select 1 from projection_worker where crew = %s and seen_at > clock_timestamp() - %s::interval limit 1"
    return db.execute(seen, [LIVE, TERM]).fetchone() is not None


def _run(share: partial[None], processes: int) -> None:
    if processes == 1:
        share()
        return
    context = multiprocessing.get_context("spawn")  # a fork would share our sessions
    crew = [context.Process(target=_run_alone, args=(share,)) for _ in range(processes)]
    for process in crew:
        process.start()
    try:
        for process in crew:
            process.join()
    finally:
        for process in crew:
            process.terminate()  # where we were interrupted; their transactions roll back
    if failed := [process.exitcode for process in crew if process.exitcode]:
        raise RebuildFailedError(exit_codes=failed)


def _run_alone(share: partial[None]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells us too, but it is the parent who ends us
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    collect_garbage_rarely()
    share()


def _end_with_parent() -> None:
    """Or it would wait for ever for a share that nobody folds."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
