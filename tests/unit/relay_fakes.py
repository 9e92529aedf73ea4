"""A topic in memory that can lose, hold back and forget what it is sent, and a lane over a ledger in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event as Stop

from adapters.memory.ledger import MemoryLedger
from domain.errors import UnavailableError
from domain.event import PARTITIONS, Event
from streams.departments import DEPARTMENTS, Department
from streams.envelope import Outgoing, encode, identify
from streams.relay import Page
from streams.shares import encoder_of
from streams.tails import Held
from streams.topics import SHARE_PARTITIONS

Identify = Callable[[int, int, bytes | None, list[tuple[str, bytes]]], Held]


class PromptStop(Stop):
    """Nobody waits in a unit test."""

    def wait(self, _timeout: float | None = None) -> bool:
        return self.is_set()


class FakeTopic:
    """Acknowledges what it writes at once; `faults` says what happens to the n-th record that is sent.

    "lost" is not written and fails at once; "hole" is not written, and fails only after the next three were written.
    """

    name = "crm.events.v1"

    def __init__(
        self, faults: Mapping[int, str] | None = None, partitions: int = PARTITIONS, identify: Identify = identify
    ) -> None:
        self._identify = identify
        self.logs: list[list[Outgoing]] = [[] for _ in range(partitions)]
        self.firsts = [0] * partitions
        self.faults, self.sent, self.opened = dict(faults or {}), 0, 0
        self.unacknowledged: int | None = None
        self._fails_at: int | None = None

    def open(self) -> None:
        self.opened += 1
        self.unacknowledged = self._fails_at = None

    def extents(self) -> Mapping[int, tuple[int, int]]:
        return {p: (self.firsts[p], self.firsts[p] + len(log)) for p, log in enumerate(self.logs)}

    def peek(self, offsets: Mapping[int, int]) -> Mapping[int, Held]:
        return {p: self._held(p, offset) for p, offset in offsets.items()}

    def read(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Sequence[Held]]:
        for p, start in starts.items():
            if start < ends[p]:
                yield [self._held(p, offset) for offset in range(start, ends[p])]

    def _held(self, partition: int, offset: int) -> Held:
        row = self.logs[partition][offset - self.firsts[partition]]
        return self._identify(partition, offset, row.value, row.headers)

    def send(self, row: Outgoing, _timeout_s: float) -> bool:
        self._fail_when_due()
        self.sent += 1
        match self.faults.get(self.sent):
            case "lost":
                self.unacknowledged, self._fails_at = row.position, self.sent
                self._fail_when_due()
            case "hole":
                self.unacknowledged, self._fails_at = row.position, self.sent + 3
            case _:
                self.logs[row.partition].append(row)
        return True

    def _fail_when_due(self) -> None:
        if self._fails_at is not None and self.sent >= self._fails_at:
            raise UnavailableError("a record was not acknowledged")

    def oldest_unacknowledged(self) -> int | None:
        self.flush(0)
        return self.unacknowledged

    def flush(self, _timeout_s: float) -> None:
        if self._fails_at is not None:
            raise UnavailableError("a record was not acknowledged")

    def close(self) -> None: ...

    def empty(self) -> None:
        self.logs = [[] for _ in self.logs]

    def sequences(self, partition: int) -> list[int]:
        return [row.seq for row in self.logs[partition]]


@dataclass
class Keeper:
    """What lanes of one name share: the position, and who leads."""

    position: int = 0
    leader: object = None


@dataclass
class FakeLane:
    """A lane over a ledger in memory; it stops the relay when there is nothing more to publish."""

    ledger: MemoryLedger
    keeper: Keeper
    stop: Stop
    alive: bool = True
    waits: int = field(default=0)

    def lead(self) -> bool:
        self.alive = True
        self.keeper.leader = self.keeper.leader or self
        return self.keeper.leader is self

    def _check(self) -> None:
        if not self.alive or self.keeper.leader is not self:
            raise UnavailableError("the session was ended")

    def load(self) -> int:
        self._check()
        return self.keeper.position

    def save(self, before: int, position: int) -> bool:
        self._check()
        if self.keeper.position != before:
            return False
        self.keeper.position = position
        return True

    def reset(self) -> None:
        self.keeper.position = 0

    def begin(self, heads: Mapping[int, int]) -> int:
        missing = self.find([(partition, seq + 1) for partition, seq in heads.items()])
        return min((position - 1 for position, _ in missing.values()), default=self.ledger.last_position())

    def read(self, after: int, limit: int) -> Page[Outgoing]:
        self._check()
        rows = [encode(event, "/relato/test") for event in self.ledger.read(after, limit)]
        return Page(rows, after + len(rows))

    def find(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, bytes]]:
        rows = {(p, seq): self.ledger.read_partition(p, seq - 1, 1) for p, seq in places}
        return {place: (found[0].position, found[0].hash) for place, found in rows.items() if found}

    def sequences_at(self, position: int) -> Mapping[int, int]:
        return {event.partition: event.partition_seq for event in self.ledger.read(0, position)}

    def wait(self, _timeout_s: float) -> None:
        self.waits += 1
        self.stop.set()

    def close(self) -> None:
        if self.keeper.leader is self:
            self.keeper.leader = None


@dataclass
class FakeShareLane(FakeLane):
    """A department's share of it."""

    department: Department = DEPARTMENTS["sales"]
    last: dict[int, int] = field(default_factory=dict)

    def begin(self, heads: Mapping[int, int]) -> int:
        self.last = dict(heads)
        lacking = (e.position - 1 for e in self._followed() if e.position > heads[e.partition % SHARE_PARTITIONS])
        return min(lacking, default=self.ledger.last_position())

    def read(self, after: int, limit: int) -> Page[Outgoing]:
        self._check()
        rows, encode = [], encoder_of(self.department, "/relato/test")
        for event in self._followed(after, limit):
            partition = event.partition % SHARE_PARTITIONS
            if event.position > self.last[partition]:
                rows.append(encode(event, partition, self.last[partition]))
                self.last[partition] = event.position
        return Page(rows, min(after + limit, self.ledger.last_position()))

    def find(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[int, bytes]]:
        rows = {e.position: e for e in self.ledger.read(0, self.ledger.last_position())}
        return {(p, at): (at, rows[at].event_id.bytes) for p, at in places if at in rows}

    def sequences_at(self, position: int) -> Mapping[int, int]:
        return {event.partition % SHARE_PARTITIONS: event.position for event in self._followed(0, position)}

    def _followed(self, after: int = 0, limit: int = 10**9) -> Sequence[Event]:
        return [event for event in self.ledger.read(after, limit) if self.department.follows(event)]
