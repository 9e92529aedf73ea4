"""The ledger's append alone, 32 and 64 callers, beside pgbench with one row of the same width and indexes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from adapters.http.workers import Workers
from adapters.ids import uuid7
from benchmarks.crowd import AsyncWork, count_coroutines_per_second
from benchmarks.figures import Measured, ratio
from benchmarks.harness import Scratch, main, take_turns
from benchmarks.pgbench import PgBench
from benchmarks.tickets import ACTIVITY, CONTENT
from domain.fact import Fact
from domain.personal import Purpose, Sealed, Secret
from domain.ports import Append, NewFact, Write
from domain.ticket.facts import TicketNoted

CLIENTS = 32
STREAMS = 1_000
HOW = (
    "Ours: PostgresLedger.append of one fact, sealed before, to the next version of one of 1,000 streams: expectation,"
    " command id, three sequences and the row's hash, in groups; callers are coroutines. pgbench: one prepared insert a"
    " transaction."
)


def measure(scratch: Scratch) -> Measured:
    ledger, seconds, rounds = scratch.installation.ledger, scratch.choose(4, 1), scratch.count(5, 1)
    fact = sealed_note(scratch)
    streams = [uuid7() for _ in range(STREAMS)]
    heads = dict.fromkeys(streams, 0)
    pgbench = PgBench(scratch.owner(), scratch.folder, len(fact.encode()))

    workers = Workers(1)

    async def give(append: Append) -> None:
        places = await workers.hear(partial(ledger.submit, append), within_s=30)
        assert places is not None
        places()

    def run(callers: int) -> float:
        work_of = _append_one(give, streams, heads, fact, callers)
        return count_coroutines_per_second(work_of, callers, seconds)

    run(CLIENTS)  # warms up
    sides = take_turns(
        {
            "32 callers": lambda: run(32),
            "pgbench": lambda: pgbench.run(CLIENTS, seconds),
            "64 callers": lambda: run(64),
        },
        rounds,
    )
    against = "pgbench, one row a transaction, 32 clients"
    return [
        ratio("append alone, 32 callers", against, 1.0, ours="32 callers", peer="pgbench", sides=sides, how=HOW),
        ratio("append alone, 64 callers", against, 1.2, ours="64 callers", peer="pgbench", sides=sides, how=HOW),
    ]


def sealed_note(scratch: Scratch) -> TicketNoted:
    [content] = scratch.installation.vault.seal([Secret(uuid7(), Purpose.SERVICE, CONTENT)])
    assert isinstance(content, Sealed)
    return TicketNoted(activity=ACTIVITY, content=content)


def _append_one(
    give: Callable[[Append], Awaitable[None]], streams: list[UUID], heads: dict[UUID, int], fact: Fact, callers: int
) -> Callable[[int], AsyncWork]:
    def work_of(caller: int) -> AsyncWork:
        own, turn = streams[caller::callers], 0

        async def append() -> None:
            nonlocal turn
            stream_id, command_id = own[turn % len(own)], uuid7()
            now = datetime.now(UTC)
            write = Write(command_id, bytes(16), command_id, command_id, "bench", "command", now,
                          (NewFact(stream_id, stream_id, fact),))  # fmt: skip
            await give(Append((write,), {stream_id: heads[stream_id]}))
            heads[stream_id] += 1
            turn += 1

        return append

    return work_of


if __name__ == "__main__":
    main(measure)
