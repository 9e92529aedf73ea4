"""An event: a fact at its place in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.fact import Fact, decode

PARTITIONS = 64


class Origin(StrEnum):
    """Where a fact came from; reactors leave imported history alone."""

    COMMAND = "command"
    IMPORT = "import"
    REACTOR = "reactor"
    PARTNER = "partner"


@dataclass(slots=True)
class Event:
    """One row of the ledger; `fact` is decoded when it is first asked for. Times are aware, UTC."""

    position: int
    partition: int
    partition_seq: int
    stream_id: UUID
    stream_version: int
    subject_id: UUID
    subject_seq: int
    event_id: UUID
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    type: str
    actor: str
    origin: str
    data: bytes
    fingerprint: bytes
    hash: bytes
    _fact: Fact | None = field(default=None, compare=False)

    @property
    def fact(self) -> Fact:
        """Raises UnknownFactError, or pydantic's ValidationError, when this code cannot read the data."""
        if self._fact is None:
            self._fact = decode(self.type, self.data)
        return self._fact


def partition_of(subject_id: UUID) -> int:
    """The last six bits of the subject's id."""
    return subject_id.int & (PARTITIONS - 1)
