"""Which stories sleep until when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple
from uuid import UUID

from adapters.simulation.calendar import DAY
from adapters.simulation.world import Customer, Story


@dataclass(eq=False, slots=True)
class Telling:
    """A story while it is told; it stops when its customer is gone. `paced`: it counts for the day's share."""

    story: Story
    correlation_id: UUID
    customer: Customer | None = None
    paced: bool = False


class Wake(NamedTuple):
    """When a story goes on; the turn keeps the order of equal moments."""

    moment: int
    turn: int
    telling: Telling


@dataclass
class Agenda:
    """Stories asleep, and how many of them wake on each day."""

    wakes: list[Wake] = field(default_factory=list)
    on_day: Counter[int] = field(default_factory=Counter)
    turns: int = 0

    def add(self, moment: int, telling: Telling) -> None:
        self.turns += 1
        self.on_day[moment // DAY] += telling.paced
        heappush(self.wakes, Wake(moment, self.turns, telling))

    def before(self, moment: int) -> Iterator[Wake]:
        while self.wakes and self.wakes[0].moment < moment:
            wake = heappop(self.wakes)
            self.on_day[wake.moment // DAY] -= wake.telling.paced
            yield wake
