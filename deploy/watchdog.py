"""Whether a consumer group stands still although there is more to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Progress(Protocol):
    """Of a partition: the next record that the group will confirm, and the end."""

    @property
    def confirmed(self) -> int: ...
    @property
    def end(self) -> int: ...


SINGLE = 4  # times the patience, for a partition that waits while others go on


class Watchdog:
    """A group stands still when it confirmed nothing for so long wherever there is more to read.

    Time counts from when a partition was first seen to have more.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._waiting: dict[Any, tuple[int, float]] = {}  # since when a partition waits to go on beyond a record

    def begin(self) -> None:
        """A worker starts anew: what was seen of the one before counts no more."""
        self._waiting.clear()

    def stands_still(self, progress: Mapping[Any, Progress], now_s: float) -> bool:
        for place, seen in progress.items():
            if seen.confirmed >= seen.end:
                self._waiting.pop(place, None)
            elif self._waiting.get(place, (-1, 0.0))[0] != seen.confirmed:
                self._waiting[place] = (seen.confirmed, now_s)
        waits = [now_s - since for _, since in self._waiting.values()]
        return bool(waits) and (min(waits) > self._patience_s or max(waits) > SINGLE * self._patience_s)
