"""Bulk append, sealed: values sealed and appended in chunks, and the same through commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

from adapters.ids import uuid7
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, main, take_turns
from benchmarks.tickets import ACTIVITY, CONTENT, give_all, open_ours
from domain.execute import Executor
from domain.personal import Purpose, Sealed, Secret
from domain.ports import Append, NewFact, Write
from domain.ticket.commands import NoteTicket
from domain.ticket.facts import TicketId, TicketNoted

CHUNK = 1_000
CALLERS = 2  # one encodes while the other's chunk is written
TARGET = 30_000
EACH = 10  # facts a command
HOW = (
    "Values sealed, facts encoded and appended within the time, in chunks of 1,000 facts by two callers, so that one"
    " encodes while the other's chunk is written; commands of {each}."
)


def measure(scratch: Scratch) -> Measured:
    rounds, chunks = scratch.count(5, 1), scratch.count(60, 4)
    persons = [uuid7() for _ in range(200)]
    tickets = open_ours(scratch.installation.executor, CALLERS * CHUNK)  # callers do not overtake each other
    _run(1, lambda _: _append_chunk(scratch, persons, EACH))

    def rate(of: Callable[[int], object], count: int) -> float:
        return count * CHUNK / _run(count, of)

    found = take_turns(
        {
            "append, commands of ten": lambda: rate(lambda _: _append_chunk(scratch, persons, EACH), chunks),
            "append, commands of one": lambda: rate(lambda _: _append_chunk(scratch, persons, 1), chunks),
            "execute_all": lambda: rate(
                lambda n: _note_all(scratch.installation.executor, tickets[n % CALLERS :: CALLERS]),
                max(4, chunks // 6),
            ),
        },
        rounds,
    )
    return [
        Figure(what="bulk append, sealed", against="—", unit="facts/s", target=TARGET,
               values=found["append, commands of one"], sides=found, how=HOW.format(each="one fact")),
        Figure(what="bulk append, sealed, commands of ten facts", against="—", unit="facts/s",
               values=found["append, commands of ten"], how=HOW.format(each="ten facts")),
        Figure(what="bulk through commands (execute_all)", against="—", unit="facts/s", values=found["execute_all"],
               how="A command for each fact, decided on what the ledger holds, in chunks of 1,000."),
    ]  # fmt: skip


def _run(count: int, work: Callable[[int], object]) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(work, range(count)))
    return time.perf_counter() - start


def _append_chunk(scratch: Scratch, persons: Sequence[UUID], each: int) -> None:
    installation = scratch.installation
    whose = [persons[n % len(persons)] for n in range(CHUNK)]
    values = installation.vault.seal([Secret(person, Purpose.SERVICE, CONTENT) for person in whose])
    streams = [uuid7() for _ in range(CHUNK // each)]
    facts = [_note(streams[n // each], value) for n, value in enumerate(values)]
    writes = [_write(facts[at : at + each]) for at in range(0, CHUNK, each)]
    installation.ledger.append(Append(writes, dict.fromkeys(streams, 0)))


def _note(stream_id: UUID, content: object) -> NewFact:
    assert isinstance(content, Sealed)
    return NewFact(stream_id, stream_id, TicketNoted(activity=ACTIVITY, content=content))


def _write(facts: Sequence[NewFact]) -> Write:
    command_id = uuid7()
    return Write(command_id, bytes(16), command_id, command_id, "bench", "import", datetime.now(UTC), facts)


def _note_all(executor: Executor, tickets: Sequence[TicketId]) -> None:
    give_all(executor, [NoteTicket(ticket_id=t, activity=ACTIVITY, content=CONTENT) for t in tickets])


if __name__ == "__main__":
    main(measure)
