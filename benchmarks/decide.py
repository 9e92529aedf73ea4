"""Load, decide, append, durably: 32 callers and one, beside a stock `eventsourcing` application and pgbench."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from benchmarks import stock, tickets
from benchmarks.crowd import Work, count_coroutines_per_second, count_per_second
from benchmarks.figures import Measured, ratio
from benchmarks.harness import Scratch, main, take_turns
from benchmarks.pgbench import PgBench

CALLERS = 32
STOCK, PGBENCH = "stock eventsourcing, same work", f"pgbench, one row a transaction, {CALLERS} clients"
HOW = (
    "Ours: the Executor, a note on one of 1,000 tickets: fingerprint, sealing, stream state from its cache or the"
    " ledger, decision, durable append with hash and command id. Stock: repository.get, the aggregate's method, save;"
    " nothing sealed or hashed. Callers have tickets of their own on both sides. Our callers are coroutines of one"
    " loop, as the API's are, or threads; the library's are threads, it knows no others."
)


def measure(scratch: Scratch) -> Measured:
    executor, seconds, rounds = scratch.installation.executor, scratch.choose(4, 1), scratch.count(5, 1)
    count = scratch.count(tickets.TICKETS, 64)
    stock.make_database(scratch.owner(), "stock")
    ours = tickets.open_ours(executor, count)
    with closing(_desk(scratch, 1)) as desk:
        theirs = tickets.open_stock(desk, count)

    ours_async = tickets.note_ours_async(executor, ours, CALLERS)

    def run_ours(callers: int) -> float:
        return count_per_second(tickets.note_ours(executor, ours, callers), callers, seconds)

    def run_stock(callers: int) -> float:
        with closing(_desk(scratch, callers)) as desk:
            work_of = tickets.note_stock(desk, theirs, callers)
            _warm(work_of, callers)
            return count_per_second(work_of, callers, seconds)

    width = len(scratch.installation.ledger.read(0, 10_000)[-1].data)
    pgbench = PgBench(scratch.owner(), scratch.folder, width)
    _warm(tickets.note_ours(executor, ours, CALLERS), CALLERS)
    many = {"ours": lambda: count_coroutines_per_second(ours_async, CALLERS, seconds),
            "ours, threads": lambda: run_ours(CALLERS), "stock": lambda: run_stock(CALLERS),
            "pgbench": lambda: pgbench.run(CALLERS, seconds)}  # fmt: skip
    crowd = take_turns(many, rounds)
    alone = take_turns({"ours": lambda: run_ours(1), "stock": lambda: run_stock(1)}, rounds)
    what = f"durable load, decide, append, {CALLERS}"
    return [
        ratio(f"{what} callers", STOCK, 12, ours="ours", peer="stock", sides=crowd, how=HOW),
        ratio(f"{what} callers", PGBENCH, 0.7, ours="ours", peer="pgbench", sides=crowd),
        ratio(f"{what} threads", STOCK, None, ours="ours, threads", peer="stock", sides=crowd, how=HOW),
        ratio(f"{what} threads", PGBENCH, None, ours="ours, threads", peer="pgbench", sides=crowd),
        ratio("one caller", STOCK, 1.7, ours="ours", peer="stock", sides=alone, how=HOW),
    ]


def _desk(scratch: Scratch, connections: int) -> stock.Desk:
    return stock.Desk(env=stock.environment(scratch.owner("stock"), connections=connections))


def _warm(work_of: Callable[[int], Work], callers: int) -> None:
    count_per_second(work_of, callers, 0.5)


if __name__ == "__main__":
    main(measure)
