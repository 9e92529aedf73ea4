"""What is noted of a request that opened personal values: who asked, where, and whose they are; no values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple, Protocol
from uuid import UUID

MOST_PERSONS = 2_000  # in one record; more make more of them


class Reading(NamedTuple):
    principal: str
    route: str
    persons: Collection[UUID]


class Recorded(NamedTuple):
    """A reading as it stands in the log; of the persons only how many they were."""

    position: int
    recorded_at: datetime
    principal: str
    route: str
    people: int


class AccessBook(Protocol):
    """Append-only. Raises UnavailableError."""

    def record(self, readings: Sequence[Reading]) -> None: ...


_number = attrgetter("int")


def bounded(reading: Reading) -> Iterator[Reading]:
    """None for no persons."""
    persons = sorted(reading.persons, key=_number)
    for start in range(0, len(persons), MOST_PERSONS):
        yield reading._replace(persons=persons[start : start + MOST_PERSONS])
