"""The breaker: a few facts that cannot be folded are parked, a fault that would park many stops the read model."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from domain.errors import RelatoError
from projections.engine.fold import WAITS, Folded
from projections.engine.readmodel import Build


class BreakerError(RelatoError):
    """A read model would park too many subjects, which is a fault of its code, not of single facts; it has stopped
    before them. Mend its fold, or deploy the release that knows the type, and start again: nothing was skipped.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """So many subjects may one read model park in one batch, and in all the partitions of one worker."""

    batch: int = 20
    total: int = 1000


class Breaker:
    """Counts the subjects that get something parked in a batch, however many commits that takes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._fresh: dict[Build, set[UUID]] = {}

    def reset(self) -> None:
        self._fresh = {}

    def check(self, build: Build, folded: Folded, stuck: AbstractSet[UUID]) -> None:
        """Raises BreakerError. `stuck` are the subjects that have something parked already."""
        causes = [pointer for pointer in folded.parked if pointer.cause != WAITS]
        fresh = self._fresh.get(build, set()) | {pointer.subject_id for pointer in causes}
        if causes and (len(fresh) > self._limits.batch or len(stuck | fresh) > self._limits.total):
            first = causes[0]
            raise BreakerError(
                read_model=build.table,
                subjects=len(fresh),
                first_type=first.type,
                first_cause=first.cause,
                partition=first.partition,
                partition_seq=first.partition_seq,
            )

    def count(self, build: Build, folded: Folded) -> None:
        """What was committed."""
        fresh = {pointer.subject_id for pointer in folded.parked if pointer.cause != WAITS}
        self._fresh.setdefault(build, set()).update(fresh)
