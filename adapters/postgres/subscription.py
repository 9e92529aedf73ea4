"""The library's subscription over the ledger, which outlives lost connections and lost wake-ups."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Event as Flag
from typing import Any

import psycopg
from eventsourcing.persistence import ApplicationRecorder, Notification, OperationalError, Subscription

PAGE = 500
POLL_S = 0.5
LONGEST_PAUSE_S = 5.0


class LedgerSubscription(Subscription[ApplicationRecorder]):
    """Every fact once, in order. It asks twice a second and is woken earlier; a lost connection only delays it."""

    def __init__(self, recorder: ApplicationRecorder, dsn: str, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._dsn, self._after = dsn, gt or 0
        self._ready: deque[Notification] = deque()
        self._stopped = Flag()
        self._listener: psycopg.Connection | None = None
        self._pause_s = 0.1

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            if self._ready:
                return self._ready.popleft()
            self._fetch()
        self._hang_up()
        raise StopIteration

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        self._hang_up()

    def _fetch(self) -> None:
        try:
            if self._listener is None:  # before the first look, or a wake-up is lost
                self._listener = psycopg.connect(self._dsn, autocommit=True)
                self._listener.execute("listen ledger")
            if not self._look():
                for _ in self._listener.notifies(timeout=POLL_S, stop_after=1):
                    pass
            self._pause_s = 0.1
        except (OperationalError, psycopg.OperationalError):
            self._hang_up()
            self._stopped.wait(self._pause_s)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _look(self) -> bool:
        """Up to the ledger's end as it is now, so that topics that are rare are not looked for twice."""
        end = self._recorder.max_notification_id() or 0
        if end <= self._after:
            return False
        found = self._recorder.select_notifications(self._after, PAGE, end, self._topics, inclusive_of_start=False)
        self._ready.extend(found)
        self._after = found[-1].id if len(found) == PAGE else end
        return True

    def _hang_up(self) -> None:
        listener, self._listener = self._listener, None
        if listener:
            with suppress(psycopg.Error):
                listener.close()
