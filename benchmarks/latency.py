"""From a command's acceptance to its row in a read model, at 200 commands a second: from the ledger, through Kafka."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from statistics import quantiles
from uuid import UUID

import uvloop

from adapters.http.executing import Callers
from adapters.http.workers import Workers
from adapters.ids import uuid7
from adapters.postgres.libpq import Connection
from adapters.postgres.wire import encode_uuids
from benchmarks.figures import Figure, Measured, Missing
from benchmarks.harness import Scratch, main
from benchmarks.tickets import context
from domain.errors import RelatoError
from domain.ticket.commands import OpenTicket
from domain.ticket.facts import TicketId
from streams.topics import EVENTS

RATE = 200
GLANCE_S = 0.002  # a closer look takes more of the machine than the work that is measured
SERVICE = "support"
IS_THERE = "select to_regclass('support.tickets')::text"
ROWS = "select ticket_id from support.tickets where ticket_id = any($1::uuid[])"
WHAT = "command accepted → row visible, at 200 commands/s, from {}: {}"
HOW = (
    "200 commands a second at fixed times, whatever became of the last, by coroutines as the API's are; the processes"
    " of `relato up` that are on the way run beside; the clock runs from the accepted command's return until a session"
    " that asks every two milliseconds sees the row."
)


def measure(scratch: Scratch) -> Measured:
    return [*_measure("the ledger", 15, quick=scratch.quick), *_measure("Kafka", 30, quick=scratch.quick)]


def _measure(source: str, target_ms: float, *, quick: bool) -> Measured:
    with Scratch(quick=quick) as scratch:
        _ = scratch.installation.executor
        if source == "Kafka":
            try:
                _ = scratch.kafka
            except RelatoError as error:
                return [Missing(what=WHAT.format(source, "median"), reason=str(error))]
            scratch.start("relay", "relay", "--topic", EVENTS.name, kafka=True)
        scratch.start("folds", "folds", "--service", SERVICE, kafka=source == "Kafka")
        idle = scratch.count(2, 1)  # rounds that don't count: Java, and the workers' caches, are cold
        rounds = [_run(scratch, scratch.choose(12, 2)) for _ in range(scratch.count(3, 1) + idle)][idle:]
    cuts = [quantiles(waited, n=100) for waited in rounds]
    for n, cut in enumerate(cuts):
        print(f"  {n + 1}/{len(cuts)} {source}: median {cut[49]:.1f} ms, p99 {cut[98]:.1f} ms", flush=True)
    return [
        Figure(what=WHAT.format(source, name), against="—", unit="ms", target=most, is_most=True,
               values=[round(cut[at], 2) for cut in cuts], how=HOW)
        for name, at, most in (("median", 49, target_ms), ("p99", 98, 100))
    ]  # fmt: skip


def _run(scratch: Scratch, seconds: float) -> Sequence[float]:
    """How long each row was waited for, in milliseconds."""
    accepted, waited, done = dict[UUID, float](), list[float](), threading.Event()
    watcher = threading.Thread(target=_watch, args=(scratch.dsn, accepted, waited, done))
    watcher.start()
    with closing(Workers(4, waiting=20_000)) as workers:
        count = uvloop.run(_give_all(Callers(scratch.installation.executor, workers), accepted, seconds))
    done.set()
    watcher.join()
    assert len(waited) == count, f"{count - len(waited)} rows did not appear"
    return waited


async def _give_all(callers: Callers, accepted: dict[UUID, float], seconds: float) -> int:
    count, start = int(RATE * seconds), time.perf_counter()
    async with asyncio.TaskGroup() as given:
        for n in range(count):
            await asyncio.sleep(start + n / RATE - time.perf_counter())
            given.create_task(_give(callers, accepted))
    return count


async def _give(callers: Callers, accepted: dict[UUID, float]) -> None:
    ticket_id = TicketId(uuid7())
    await callers.execute(OpenTicket(ticket_id=ticket_id, summary="No invoice came"), context(), is_new=True)
    accepted[ticket_id] = time.perf_counter()


def _watch(dsn: str, accepted: dict[UUID, float], waited: list[float], done: threading.Event) -> None:
    give_up_at = float("inf")
    with closing(Connection(dsn)) as ask:
        while ask(IS_THERE).get_value(0, 0) is None:
            time.sleep(0.05)
        while (accepted or not done.is_set()) and time.perf_counter() < give_up_at:
            rows = ask(ROWS, encode_uuids(list(accepted)))
            for i in range(rows.ntuples):
                ticket_id = UUID(bytes=rows.get_value(i, 0))
                waited.append((time.perf_counter() - accepted.pop(ticket_id)) * 1000)
            time.sleep(GLANCE_S)
            if done.is_set() and give_up_at == float("inf"):
                give_up_at = time.perf_counter() + 30


if __name__ == "__main__":
    main(measure)
