"""All read models of one service, one process, as the live workers fold them: from the ledger and from Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

import psycopg

from benchmarks.companies import fill
from benchmarks.figures import Figure, Measured, Missing
from benchmarks.harness import Scratch, main, take_turns
from benchmarks.relaying import relay_all
from deploy import kafka_parts
from domain.errors import RelatoError
from projections.engine.schema import connect, start_over
from projections.engine.sources import Log
from projections.engine.worker import catch_up, collect_garbage_rarely
from projections.sales.service import sales

WHAT = "all read models of one service (sales), one process, live, from {}"
HOW = (
    "{models} read models, durable commits, the engine's usual batches; {wanted:,} facts that one of them wants among"
    " {count:,} of simulated companies. The figure counts wanted facts only;"
    " {all_per_wanted:.2f} times as many were read."
)


def measure(scratch: Scratch) -> Measured:
    count = fill(scratch.installation, scratch.count(200_000, 3_000), of=scratch.count(50_000, 3_000))
    wanted = count_wanted(scratch.dsn)
    sides: dict[str, Callable[[], float]] = {
        "the ledger": lambda: wanted / _fold(scratch, scratch.installation.open_log)
    }
    try:
        relay_all(scratch, scratch.kafka, count)
        open_topic = partial(kafka_parts.open_log, scratch.kafka, scratch.dsn)
        sides["Kafka"] = lambda: wanted / _fold(scratch, open_topic)
    except RelatoError as error:
        missing = Missing(what=WHAT.format("Kafka"), reason=str(error))
    collect_garbage_rarely()
    found = take_turns(sides, scratch.count(4, 1))
    how = HOW.format(models=len(sales.models), wanted=wanted, count=count, all_per_wanted=count / wanted)
    targets = {"the ledger": 20_000, "Kafka": 12_000}
    figures = [
        Figure(what=WHAT.format(side), against="—", unit="facts/s", target=targets[side], values=values, how=how)
        for side, values in found.items()
    ]
    return figures if "Kafka" in found else [*figures, missing]


def count_wanted(dsn: str) -> int:
    types = sorted({type_ for model in sales.models for type_ in model.types})
    with psycopg.connect(dsn) as db:
        found = db.execute("select count(*) from ledger.fact where type = any(%s)", [types]).fetchone()
    assert found is not None
    return int(found[0])


def _fold(scratch: Scratch, open_log: Callable[[], Log]) -> float:
    """Seconds from an empty schema to the end of the log."""
    with closing(connect(scratch.dsn, sales)) as db:
        start_over(db, sales)
    start = time.perf_counter()
    catch_up(sales, connect=partial(connect, scratch.dsn, sales), open_log=open_log)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(measure)
