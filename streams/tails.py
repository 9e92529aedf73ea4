"""Where a topic ends: the sequence up to which each partition holds every record in order, found by reading back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

GROWTH = 16


class Held(NamedTuple):
    """What a record of the topic says of itself: the place and hash of its row, or what else identifies it.

    `named` is the sequence sent before it, where the topic takes some rows only, and each record names it.
    """

    partition: int
    offset: int
    seq: int
    position: int
    hash: bytes
    named: int | None = None

    @property
    def before(self) -> int:
        """The sequence after which it comes."""
        return self.seq - 1 if self.named is None else self.named

    @property
    def in_place(self) -> bool:
        """In a topic of all rows the record of sequence n lies at offset n - 1, or beyond it where some repeat."""
        return self.named is not None or self.seq <= self.offset + 1


class Records(Protocol):
    """A topic as it is read back. Raises UnavailableError."""

    def extents(self) -> Mapping[int, tuple[int, int]]:
        """Of each partition the offset of the first record, and the one after the last."""

    def peek(self, offsets: Mapping[int, int]) -> Mapping[int, Held]:
        """The record at each partition's offset, which lies before the end."""

    def read(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Sequence[Held]]:
        """All records from the starts to the ends (exclusive), each partition's in order; perhaps a few more."""


def find_heads(
    records: Records,
    acknowledged: int,
    compare: Callable[[Sequence[Held]], None],
    sequences_at: Callable[[int], Mapping[int, int]],
) -> dict[int, int]:
    """The last sequence up to which each partition holds every row.

    All rows up to the position `acknowledged` were there once. So it reads back to one of those, or to the beginning,
    gives `compare` what it reads, and counts on from there, past what a failed or a late producer left out of order.
    """
    extents = records.extents()
    firsts = {p: first for p, (first, _) in extents.items()}
    ends = {p: end for p, (_, end) in extents.items()}
    starts = _look_back(records, firsts, ends, acknowledged)
    heads = {p: 0 for p, first in firsts.items() if first == 0 or first < starts[p] < ends[p]}
    for read in records.read(starts, ends):
        compare(read)
        for held in read:
            _count(heads, held, acknowledged)
    if emptied := extents.keys() - heads.keys():  # all their records have passed the topic's retention
        known = sequences_at(acknowledged)
        heads |= {p: known.get(p, 0) for p in emptied}
    return heads


def _look_back(
    records: Records, firsts: Mapping[int, int], ends: Mapping[int, int], acknowledged: int
) -> dict[int, int]:
    """The offset from which to read each partition: at an acknowledged row, or at its beginning."""
    starts, span = dict(ends), 1
    left = {p for p, first in firsts.items() if first < ends[p]}
    while left:
        starts |= {p: max(firsts[p], ends[p] - span) for p in left}
        seen = records.peek({p: starts[p] for p in left})
        reached = {p for p, held in seen.items() if held.in_place and held.position <= acknowledged}
        left = {p for p in left - reached if starts[p] > firsts[p]}
        span *= GROWTH
    return starts


def _count(heads: dict[int, int], held: Held, acknowledged: int) -> None:
    if not held.in_place:
        return
    head = heads.setdefault(held.partition, held.before)  # where the topic's retention took what was before
    if held.before == head or (held.position <= acknowledged and held.seq > head):
        heads[held.partition] = held.seq
