"""A rebuild of all read models of one service from a million facts, by two processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from adapters.postgres.ledger_source import LedgerSource
from benchmarks.companies import fill
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, main, take_turns
from benchmarks.service import count_wanted
from projections.engine.readmodel import Build
from projections.engine.rebuild import Work, fold_share
from projections.engine.schema import connect, make_build, start_over
from projections.engine.worker import Pace, collect_garbage_rarely
from projections.sales.service import sales

PROCESSES = 2
HOW = (
    "The folding of `relato rebuild` over all {models} read models of sales, beside the live tables, without the"
    " comparison at its end: {count:,} facts of simulated companies, {wanted:,} of which a read model wants."
    " The figure counts all facts; synchronous_commit is off, as in every rebuild: what a crash loses is folded again."
)


def measure(scratch: Scratch) -> Measured:
    count = fill(scratch.installation, scratch.count(1_000_000, 3_000), of=scratch.count(50_000, 3_000))
    found = take_turns({"rebuild": lambda: count / _rebuild(scratch.dsn)}, scratch.count(2, 1))
    how = HOW.format(models=len(sales.models), count=count, wanted=count_wanted(scratch.dsn))
    what = "rebuild of all read models from 1,000,000 facts, two processes"
    return [Figure(what=what, against="—", unit="facts/s", target=30_000, values=found["rebuild"], how=how)]


def _rebuild(dsn: str) -> float:
    """Seconds."""
    with closing(connect(dsn, sales)) as db:
        start_over(db, sales)
        builds = [Build(model, f"{model.version}_2") for model in sales.models]
        for build in builds:
            make_build(db, sales, build, "building")
    with closing(LedgerSource(dsn, listen=False)) as ledger:
        goal = ledger.heads()
    work = Work(sales, partial(connect, dsn, "sales"), partial(LedgerSource, dsn), Pace())
    share = partial(fold_share, work, sorted(build.table for build in builds), goal, PROCESSES)
    start = time.perf_counter()
    _run_all([partial(_fold, share)] * PROCESSES)
    return time.perf_counter() - start


def _run_all(shares: Sequence[partial[None]]) -> None:
    context = multiprocessing.get_context("spawn")
    crew = [context.Process(target=share) for share in shares]
    for process in crew:
        process.start()
    for process in crew:
        process.join()
        assert process.exitcode == 0


def _fold(share: partial[None]) -> None:
    collect_garbage_rarely()
    share()


if __name__ == "__main__":
    main(measure)
