"""A worker: it takes its share of the partitions and folds what comes, until it is told to stop."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import structlog

from domain.errors import UnavailableError
from projections.engine.ahead import ReadAhead
from projections.engine.engine import BreakerError, Engine, LeaseLostError, Limits, Watch, check_within
from projections.engine.leases import LIVE, TERM, Leases
from projections.engine.progress import count_behind
from projections.engine.readmodel import Build, Service
from projections.engine.refusals import is_transient
from projections.engine.schema import State, bound_transactions, builds_of, prepare
from projections.engine.sources import Log
from projections.engine.stops import forget_stops, record_stop
from projections.engine.table import TableGoneError
from projections.engine.trials import drop_trials

log = structlog.get_logger("folds")

Connect = Callable[[], psycopg.Connection[Any]]
OpenLog = Callable[[], Log]
LONGEST_BATCH = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker works: events a batch, the floor of polling, the leases' term, when it gives up on a read model."""

    batch: int = 2000
    poll_s: float = 0.5
    term: timedelta = TERM
    limits: Limits = field(default_factory=Limits)
    cache_size: int = 20_000
    longest_pause_s: float = 10.0


class Worker:
    """One member of a crew, on a session and a log that are open; for one thread."""

    def __init__(
        self,
        db: psycopg.Connection[Any],
        source: Log,
        service: Service,
        *,
        pace: Pace,
        crew: str = LIVE,
        states: tuple[State, ...] = ("live", "standby"),
        only: Collection[str] | None = None,
        expected: int = 1,
        goes_on: bool = False,
        watch: Watch | None = None,
    ) -> None:
        """`only` names the tables to fold; `expected` is the number of workers that will come.

        `goes_on` with the other read models when the breaker stops one; until the next start, or until none is left.
        """
        self._db, self._log, self._service, self._pace = db, source, service, pace
        self._states, self._only, self._goes_on, self._watch = states, only, goes_on, watch
        self._stopped: dict[str, BreakerError] = {}
        self._leases = Leases(db, crew, term=pace.term, expected=expected)
        self._engine = self._make_engine(())
        self._due = 0.0

    @property
    def at(self) -> Mapping[int, int]:
        return self._engine.at

    def is_done(self, until: Mapping[int, int]) -> bool:
        """Whether its own partitions are folded so far."""
        return all(seq >= until.get(p, 0) for p, seq in self.at.items())

    def step(self, *, wait: bool = True, until: Mapping[int, int] | None = None) -> bool:
        """Folds the next batch, no further than `until`; answers whether there was one."""
        try:
            if time.monotonic() >= self._due:
                self._renew()
            return self._fold_next(wait=wait, until=until)
        except (LeaseLostError, TableGoneError, psycopg.errors.UndefinedTable) as error:
            log.info("lease lost", service=self._service.name, worker=self._leases.worker, reason=type(error).__name__)
            self._begin_anew()  # a table may have been dropped, or another put beside it
        except BreakerError as error:
            if self._leases.crew == LIVE:
                record_stop(self._db, self._leases.worker, error)
            if not self._goes_on:
                raise
            self._stopped[str(error.details["read_model"])] = error
            log.error("read model stopped", service=self._service.name, reason=str(error))  # noqa: TRY400 it says all
            self._begin_anew()
        return False

    def _begin_anew(self) -> None:
        self._engine, self._due = self._make_engine(()), 0.0

    def heads(self) -> Mapping[int, int]:
        return self._log.heads()

    def has_folded(self, places: Mapping[int, int]) -> bool:
        """Whether all the crew has come so far, in the builds that this worker folds."""
        tables = [build.table for build in self._engine.builds]
        return bool(tables) and not count_behind(self._db, places, self._states, tables)

    def leave(self) -> None:
        """Lets the others have the partitions at once."""
        self._leases.release()

    def _fold_next(self, *, wait: bool, until: Mapping[int, int] | None) -> bool:
        after = {p: seq for p, seq in self.at.items() if until is None or seq < until.get(p, 0)}
        if not after:
            self._rest(wait=wait)
            return False
        batch = self._log.read_on(
            after, limit=self._pace.batch, timeout_s=self._pace.poll_s if wait else 0, skip=self._engine.skip
        )
        if until is not None:
            batch = batch.cut(until)
        if batch.through:
            self._engine.take(batch)
        return bool(batch.through)

    def _rest(self, *, wait: bool) -> None:
        if wait:
            time.sleep(min(self._pace.poll_s, max(0.0, self._due - time.monotonic())))

    def _make_engine(self, builds: tuple[Build, ...]) -> Engine:
        return Engine(
            self._db,
            builds,
            self._leases.worker,
            crew=self._leases.crew,
            limits=self._pace.limits,
            cache_size=self._pace.cache_size,
            watch=self._watch,
        )

    def _renew(self) -> None:
        """Prolongs the leases; what is in memory may be older than another's writes when partitions came or went."""
        held, has_taken = self._leases.claim()
        builds = builds_of(self._db, self._service, *self._states)
        wanted = tuple(build for build in builds if self._only is None or build.table in self._only)
        found = tuple(build for build in wanted if build.table not in self._stopped)
        if wanted and not found:
            raise self._stopped[wanted[0].table]
        is_other = found != self._engine.builds
        if is_other:
            self._engine = self._make_engine(found)
        if is_other or has_taken or held != self.at.keys():
            self._engine.open(held)
            check_within(self.at, self._log.heads())
            self._retry_what_is_known_now()
        self._engine.forget_persons()
        self._due = time.monotonic() + self._pace.term.total_seconds() / 4

    def _retry_what_is_known_now(self) -> None:
        for build, _, subject_id in self._engine.readable():
            left = self._engine.refold(build, subject_id, self._log)
            log.info("parked facts folded", read_model=build.table, left=left)


def run(
    service: Service,
    *,
    connect: Connect,
    open_log: OpenLog,
    stop: threading.Event,
    pace: Pace | None = None,
    watch: Watch | None = None,
) -> None:
    """Folds until `stop`. A database that goes away is waited for; faults of the code end it.

    A read model that the breaker stops is left where it is and the others go on; BreakerError when none is left.
    """
    collect_garbage_rarely()
    pace, failures = pace or Pace(), 0
    while not stop.is_set():
        try:
            with joined(service, connect, open_log, pace, goes_on=True, watch=watch) as worker:
                while not stop.is_set():
                    worker.step()
                    failures = 0
        except (UnavailableError, psycopg.Error) as error:
            if isinstance(error, psycopg.Error) and not is_transient(error):
                raise
            failures += 1
            pause_s = min(pace.longest_pause_s, 0.1 * 2 ** min(failures, 10)) * random.uniform(0.5, 1)  # noqa: S311 jitter
            # what PostgreSQL says may quote a row
            reason = str(error) if isinstance(error, UnavailableError) else type(error).__name__
            log.warning("folds wait", service=service.name, pause_s=round(pause_s, 1), reason=reason)
            stop.wait(pause_s)


@contextmanager
def joined(service: Service, connect: Connect, open_log: OpenLog, pace: Pace, **options: Any) -> Iterator[Worker]:
    """A worker with its session and its log; it leaves in good order, if the database lets it."""
    with closing(connect()) as db, closing(ReadAhead(open_log())) as source:
        prepare(db, service)
        bound_transactions(db, max(3 * pace.term, LONGEST_BATCH))  # by then its leases are long gone
        forget_stops(db)
        drop_trials(db, service)
        worker = Worker(db, source, service, pace=pace, **options)
        try:
            yield worker
        finally:
            with suppress(psycopg.Error):
                worker.leave()


def catch_up(
    service: Service, *, connect: Connect, open_log: OpenLog, pace: Pace | None = None, timeout_s: float = 600.0
) -> None:
    """Folds everything there is now and returns; TimeoutError when workers elsewhere don't come so far in time."""
    with joined(service, connect, open_log, pace or Pace()) as worker:
        heads, deadline = worker.heads(), time.monotonic() + timeout_s
        while worker.step(wait=not worker.is_done(heads), until=heads) or not worker.has_folded(heads):
            if time.monotonic() > deadline:
                raise TimeoutError(service.name)
            if worker.is_done(heads):  # others hold what is left
                time.sleep(0.02)


def collect_garbage_rarely() -> None:
    """A batch makes tens of thousands of objects that die with it; looking through them as usual costs a quarter."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
