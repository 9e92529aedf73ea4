"""A large ledger, quickly: one simulated company through its commands, then copies of its facts under other ids."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple, cast
from uuid import UUID

from adapters.postgres.ledger import PostgresLedger
from adapters.simulation.load import load
from adapters.simulation.simulation import Simulation
from deploy.wiring import Installation
from domain.event import Event
from domain.fact import Fact
from domain.ports import Append, NewFact, Write

CHUNK = 1_000
ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Stored(NamedTuple):
    """A fact that is written as the bytes it already has."""

    TYPE: str
    data: bytes

    def encode(self) -> bytes:
        return self.data


def fill(installation: Installation, facts: int, *, of: int = 50_000) -> int:
    """About so many facts: a company's year of `of` commands, and as many copies as it takes; answers how many."""
    ledger = installation.ledger
    one = min(of, facts)
    load(installation.executor, Simulation(customers=max(10, one // 20), events=one))
    original = ledger.last_position()
    for n in range(1, max(1, round(facts / original))):
        copy(ledger, original, n)
    return ledger.last_position()


def copy(ledger: PostgresLedger, until: int, number: int) -> None:
    """Another company: every id with `number` in its middle, so that all that belongs together still does."""
    heads: dict[UUID, int] = {}
    with ThreadPoolExecutor(1) as reader:  # the next chunk is read and rewritten while this one is written
        ahead = [reader.submit(_rewrite, ledger, after, until, number) for after in range(0, until, CHUNK)]
        for chunk in ahead:
            writes = chunk.result()
            streams = [write.facts[0].stream_id for write in writes]
            ledger.append(Append(writes, {stream_id: heads.get(stream_id, 0) for stream_id in streams}))
            for stream_id in streams:
                heads[stream_id] = heads.get(stream_id, 0) + 1
            writes.clear()


def _rewrite(ledger: PostgresLedger, after: int, until: int, number: int) -> list[Write]:
    return [_write(event, number) for event in ledger.read(after, min(CHUNK, until - after))]


def _write(event: Event, number: int) -> Write:
    mask = number << 64
    data = ID.sub(lambda found: str(_other(UUID(found[0].decode()), mask)).encode(), event.data)
    fact = cast("Fact", Stored(event.type, data))
    command_id = _other(event.event_id, mask)
    new = NewFact(_other(event.stream_id, mask), _other(event.subject_id, mask), fact)
    return Write(command_id, event.fingerprint, command_id, command_id, event.actor, event.origin,
                 min(event.occurred_at, datetime.now(UTC)), (new,))  # fmt: skip


def _other(found: UUID, mask: int) -> UUID:
    return UUID(int=found.int ^ mask)
