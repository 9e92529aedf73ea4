"""How soon a signed checkpoint covers a fact, at 2,000 facts a second."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime

import psycopg

from adapters.ids import uuid7
from benchmarks.append import sealed_note
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, main
from domain.ports import Append, NewFact, Write

RATE, EACH = 2_000, 20  # facts a second, facts an append
COVERED = b"select coalesce(max(size), 0) from ledger.checkpoint"
HOW = (
    "Appends of 20 facts at fixed times; the checkpointer is the process of `relato up`. The clock runs from the"
    " append's return until another session sees a signed head that covers the last of them; the slowest counts."
)


def measure(scratch: Scratch) -> Measured:
    _ = scratch.installation.executor
    scratch.start("actors", "actors")
    rounds = [_run(scratch, scratch.choose(15, 4)) for _ in range(scratch.count(3, 1) + 1)][1:]  # the first warms up
    for n, slowest in enumerate(rounds):
        print(f"  {n + 1}/{len(rounds)} slowest: {slowest:.2f} s", flush=True)
    return [
        Figure(what="checkpoint covers a fact at 2,000 facts/s", against="—", unit="s", target=1.5, is_most=True,
               values=[round(value, 3) for value in rounds], how=HOW)
    ]  # fmt: skip


def _run(scratch: Scratch, seconds: float) -> float:
    """Seconds, of the fact that waited longest."""
    ledger, fact = scratch.installation.ledger, sealed_note(scratch)
    open_, slowest, start = deque[tuple[int, float]](), 0.0, time.perf_counter()
    with psycopg.connect(scratch.dsn, autocommit=True) as db:
        for n in range(int(RATE * seconds / EACH)):
            time.sleep(max(0.0, start + n * EACH / RATE - time.perf_counter()))
            stream_id, command_id = uuid7(), uuid7()
            facts = [NewFact(stream_id, stream_id, fact)] * EACH
            write = Write(command_id, bytes(16), command_id, command_id, "bench", "command", datetime.now(UTC), facts)
            places = ledger.append(Append([write], {stream_id: 0}))
            open_.append((places[-1].position, time.perf_counter()))
            slowest = max(slowest, _settle(db, open_))
        give_up_at = time.perf_counter() + 60
        while open_:
            slowest = max(slowest, _settle(db, open_))
            assert time.perf_counter() < give_up_at, "the checkpointer does not sign"
            time.sleep(0.005)
    return slowest


def _settle(db: psycopg.Connection, open_: deque[tuple[int, float]]) -> float:
    """The longest wait of those that are covered now."""
    found = db.execute(COVERED, prepare=True).fetchone()
    assert found is not None
    waited = 0.0
    while open_ and open_[0][0] <= found[0]:
        waited = max(waited, time.perf_counter() - open_.popleft()[1])
    return waited


if __name__ == "__main__":
    main(measure)
