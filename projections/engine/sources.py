"""Where events come from: the ledger, or a topic whose repeats and gaps are mended from the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from domain.errors import RelatoError
from domain.event import Event

HEADS_EVERY_S = 15.0
FILL = 1000


class HoleError(RelatoError):
    """The ledger lacks facts that a topic holds, or holds others: was it restored from an older backup? Folding stops.
    `relato republish` the topic; a service that has folded what is lost must `relato rebuild --start-over`.
    """


class Passed(NamedTuple):
    """What is left of an event whose type nobody wants: its place, and the hash by which the ledger is compared."""

    partition: int
    partition_seq: int
    type: str
    hash: bytes


class Batch(NamedTuple):
    """Events in order within each partition, none twice and none missing up to `through`."""

    events: Sequence[Event]
    through: Mapping[int, int]

    def cut(self, until: Mapping[int, int]) -> Batch:
        """The part that lies within these places."""
        events = [event for event in self.events if event.partition_seq <= until.get(event.partition, 0)]
        return Batch(events, {p: min(seq, until[p]) for p, seq in self.through.items() if p in until})

    def of(self, partitions: Collection[int]) -> Batch:
        """The part that lies in these."""
        events = [event for event in self.events if event.partition in partitions]
        return Batch(events, {p: seq for p, seq in self.through.items() if p in partitions})


NOTHING = Batch((), {})


class LedgerReader(Protocol):
    """The ledger by partition. Raises UnavailableError."""

    def read(self, partition: int, after: int, until: int) -> Sequence[Event]:
        """All facts after the one sequence up to the other."""

    def heads(self) -> Mapping[int, int]:
        """The last sequence of each partition that has facts."""


class Log(LedgerReader, Protocol):
    """What a worker folds. Raises UnavailableError."""

    def read_on(self, after: Mapping[int, int], *, limit: int, timeout_s: float, skip: Collection[str]) -> Batch:
        """What follows these places, about `limit` events, facts of the types in `skip` left out or not.

        Waits up to `timeout_s` when there is nothing; then the batch is empty.
        """

    def close(self) -> None: ...


class Source(Protocol):
    """A transport: in order within each partition; repeats and gaps are allowed. Raises UnavailableError."""

    def poll(
        self, after: Mapping[int, int], limit: int, timeout_s: float, skip: Collection[str]
    ) -> Sequence[Event | Passed]:
        """Events of these partitions, about `limit` that are not of the types in `skip`.

        It seeks where `after` is not the place up to which it answered before.
        """

    def close(self) -> None: ...


class Mended:
    """A log made of a source: repeats are dropped, gaps fetched from the ledger, its heads compared now and then.

    A hole at a partition's end shows only against the ledger's heads. That the ledger holds the topic's facts, and not
    others under their numbers, is looked up for the first that come, then whenever the heads are compared.
    """

    def __init__(
        self,
        source: Source,
        ledger: LedgerReader,
        *,
        heads_every_s: float = HEADS_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._ledger, self._clock, self._every_s = source, ledger, clock, heads_every_s
        self._due = clock() + heads_every_s
        self._owed: dict[int, int] = {}
        self._newest: dict[int, Event | Passed] = {}
        self._is_compared = False

    def read_on(self, after: Mapping[int, int], *, limit: int, timeout_s: float, skip: Collection[str]) -> Batch:
        through: dict[int, int] = {}
        events = list(self._in_order(self._source.poll(after, limit, timeout_s, skip), after, through))
        self._newest |= {event.partition: event for event in events}
        is_due = self._clock() >= self._due
        if self._newest and (is_due or not self._is_compared):
            self._compare_newest()
        if is_due:
            events += self._lagging_ends(after, through)
        return Batch([e for e in events if isinstance(e, Event) and e.type not in skip], through)

    def read(self, partition: int, after: int, until: int) -> Sequence[Event]:
        return self._ledger.read(partition, after, until)

    def heads(self) -> Mapping[int, int]:
        return self._ledger.heads()

    def close(self) -> None:
        self._source.close()

    def _in_order(
        self, events: Iterable[Event | Passed], after: Mapping[int, int], through: dict[int, int]
    ) -> Iterator[Event | Passed]:
        for event in events:
            partition, seq = event.partition, event.partition_seq
            seen = through.get(partition, after.get(partition))
            if seen is None or seq <= seen:
                continue
            if seq > seen + 1:
                yield from self._fetch(partition, seen, min(seq - 1, seen + FILL), through)
            if through.get(partition, seen) == seq - 1:  # else the gap is long: the rest of it comes with the next call
                yield event
                through[partition] = seq

    def _fetch(self, partition: int, after: int, until: int, through: dict[int, int]) -> Sequence[Event]:
        found = self._ledger.read(partition, after, until)
        if [event.partition_seq for event in found] != list(range(after + 1, until + 1)):
            raise HoleError(partition=partition, after=after, until=until)
        through[partition] = until
        return found

    def _compare_newest(self) -> None:
        for partition, event in self._newest.items():
            seq = event.partition_seq
            if [fact.hash for fact in self._ledger.read(partition, seq - 1, seq)] != [event.hash]:
                raise HoleError(partition=partition, after=seq - 1, until=seq)
        self._newest, self._is_compared = {}, True

    def _lagging_ends(self, after: Mapping[int, int], through: dict[int, int]) -> Iterator[Event]:
        """What the source still owes of the heads that were seen the last time."""
        heads = self._ledger.heads()
        for partition, head in self._owed.items():
            if (seen := through.get(partition, after.get(partition, head))) < head:
                yield from self._fetch(partition, seen, min(head, seen + FILL), through)
        self._owed = {p: head for p, head in heads.items() if p in after and head > through.get(p, after[p])}
        self._due = self._clock() + self._every_s
