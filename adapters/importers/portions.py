"""A file in portions: the items of some rows at a time, and how far they reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from adapters.importers.archives import Source
from adapters.importers.compile import Compiler
from adapters.importers.items import Item
from adapters.importers.plan import Plan
from adapters.importers.reading import Reading, read

TELL_EVERY = 2_000  # rows


class Portion(NamedTuple):
    """What the rows up to `seq` came to; without items it only tells how far we are.

    `waited`: its items waited for the end of the file, so that it is not told by `seq` what is done.
    """

    items: Sequence[Item]
    seq: int
    bytes_read: int
    waited: bool = False


@dataclass(frozen=True)
class Task:
    """A file that is to be read by a mapping: all that another process needs to do it."""

    compiler: Compiler
    name: str
    source: Source
    returning: Mapping[str, int]
    size: int  # items a portion

    def read(self) -> AbstractContextManager[Reading]:
        return read(self.source, self.compiler.mapping.files[self.name].csv)

    def plan(self, reading: Reading) -> Plan:
        return self.compiler.compile_plan(self.name, self.source.name, reading.columns, self.returning)

    def portions(self, plan: Plan, reading: Reading, after: int) -> Iterator[Portion]:
        """Of the rows after this one; those before it are only remembered."""
        items: list[Item] = []
        seq = 0
        for row in reading.rows:
            seq = row.seq
            items += plan.take(row, live=seq > after)
            if len(items) >= self.size:
                yield Portion(items, seq, reading.opened.bytes_read)
                items = []
            if not seq % TELL_EVERY:
                yield Portion((), seq, reading.opened.bytes_read)
        items += plan.finish()
        for first in range(0, len(items), self.size):
            yield Portion(items[first : first + self.size], seq, reading.opened.bytes_read, waited=True)
        yield Portion((), seq, self.source.size, waited=True)
