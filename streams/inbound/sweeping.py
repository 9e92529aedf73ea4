"""What was refused is kept so many days; then its key goes, and what it sealed with it, also in backups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event as Flag

import structlog

from domain.errors import UnavailableError
from streams.eraser import Keys
from streams.inbound.quarantine import Quarantine

LOT = 500
PAUSE_S = 600.0

_log = structlog.get_logger(__name__)


class Sweeper:
    """Any number may sweep: what is done twice does no harm."""

    def __init__(self, quarantine: Quarantine, keys: Keys, *, kept: timedelta, clock: Callable[[], datetime]) -> None:
        self._quarantine, self._keys, self._kept, self._clock = quarantine, keys, kept, clock

    def run_once(self) -> int:
        """How many it swept. The keys first: else what a crash leaves has no owner that is known."""
        count, before = 0, self._clock() - self._kept
        while old := self._quarantine.old(before, LOT):
            self._keys.erase([owner for _, owner in old])
            self._quarantine.forget([held_id for held_id, _ in old])
            count += len(old)
        return count

    def run(self, stop: Flag) -> None:
        while not stop.is_set():
            try:
                if count := self.run_once():
                    _log.info("quarantine swept", events=count)
            except UnavailableError as error:
                _log.warning("quarantine not swept", reason=str(error))
            stop.wait(PAUSE_S)
