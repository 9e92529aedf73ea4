"""What commands come to: the outcome of one, and a batch that is decided and not yet appended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from domain.decider import Command
from domain.decision import Context, Intent, Stream, Streams
from domain.errors import RefusedError
from domain.ports import Place, Write


class Outcome(NamedTuple):
    """Where a command's facts are; none when nothing had to change. `version` is the addressed stream's."""

    command_id: UUID
    places: Sequence[Place]
    version: int | None = None
    repeated: bool = False

    @property
    def token(self) -> str:
        """Opaque: a read that brings it waits until what was written here is folded."""
        last = {place.partition: place.partition_seq for place in self.places}
        return ",".join(f"{partition}.{seq}" for partition, seq in last.items())


Batch = Sequence[tuple[Command, Context]]
Verdicts = dict[int, Outcome | RefusedError]
NO_STREAMS: Streams = {}


class Decided(NamedTuple):
    """What the commands of a batch come to, by their number; `read` are the streams as they were before."""

    read: Streams
    grown: Mapping[UUID, Stream]
    writes: Mapping[int, Write]
    versions: Mapping[int, int]  # of the streams addressed, for all that is accepted
    refusals: Mapping[int, RefusedError]
    repeats: Mapping[int, int]  # of which other one in the batch
    is_certain: bool  # none is refused, or found idle, on what is only remembered


@dataclass(slots=True, eq=False)
class Draft:
    """A batch that is decided and not yet appended; `decided` is none when it waits for the draft before it."""

    size: int
    intents: dict[int, Intent]
    verdicts: Verdicts
    decided: Decided | None
    upon: Draft | None
    stands: bool | None = None  # once it is appended: whether just as it was decided

    @property
    def above(self) -> Streams:
        """What it makes of the streams, while the ledger does not tell."""
        return self.decided.grown if self.decided and self.stands is None else NO_STREAMS
