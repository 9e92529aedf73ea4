"""Alerts and the live screens' rows as their topics have them, read by one thread for all who look."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from pydantic_core import from_json

from adapters.kafka.cluster import Cluster
from adapters.kafka.following import Following, Found
from domain.errors import UnavailableError
from streams.envelope import MalformedRecordError
from streams.topics import ALERTS, SCREENS
from streams.windows.alerts import Told, decode_alert
from streams.windows.live import window_of

log = structlog.get_logger("relato")

POLL_S, PAUSE_S, END_S = 0.2, 2.0, 5.0
MOST_ALERTS = 10_000


class NotLiveError(UnavailableError):
    """The alerts and live windows cannot be read from Kafka now; ask again."""


class Noted(NamedTuple):
    """An alert, and which record of its topic it is."""

    partition: int
    offset: int
    told: Told


class Sight:
    """What one reading of the topics has found; of the alerts the latest, so many at most."""

    def __init__(self, most_alerts: int | None = None) -> None:
        self.alerts: deque[Noted] = deque(maxlen=most_alerts)
        self.rows: dict[str, bytes] = {}

    def take(self, found: Found) -> None:
        """An alert that is none is left out, and said."""
        if found.topic == ALERTS.name:
            try:
                told = decode_alert(found.partition, found.offset, found.key, found.value, found.headers)
            except MalformedRecordError as error:
                log.warning("a record is no alert", reason=str(error))
            else:
                self.alerts.append(Noted(found.partition, found.offset, told))
            return
        key = (found.key or b"").decode()
        if found.value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = found.value


class KafkaLive:
    """`kept`: how old an alert may be that is still shown. Started at once; it comes back by itself after outages."""

    def __init__(self, find_cluster: Callable[[], Cluster], kept: timedelta) -> None:
        self._find_cluster, self._kept = find_cluster, kept
        self._sight: Sight | None = None
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(END_S)

    def alerts(self) -> Sequence[Noted]:
        """In the order they came here; raises UnavailableError."""
        oldest = datetime.now(UTC) - self._kept
        with self._lock:
            return [noted for noted in self._seen().alerts if noted.told.at > oldest]

    def rows(self, window: str, department: str) -> tuple[str | None, Mapping[str, Mapping[str, Any]]]:
        """When they were right last, and the rows by key; raises UnavailableError."""
        with self._lock:
            seen = self._seen().rows
            rows = {key: row for key, row in seen.items() if window_of(key) == window}
            as_of = seen.get(f"as_of/{department}")
        return as_of.decode() if as_of else None, {key: from_json(row) for key, row in rows.items()}

    def _seen(self) -> Sight:
        if self._sight is None:
            raise NotLiveError
        return self._sight

    def _run(self) -> None:
        is_told = False
        while not self._stop.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 the loop's edge: who looks is told that it is away
                if self._sight or not is_told:
                    log.warning("live windows cannot be read", reason=str(error) or repr(error))
                self._sight, is_told = None, True
                self._stop.wait(PAUSE_S)

    def _follow(self) -> None:
        sight = Sight(MOST_ALERTS)
        since = {ALERTS.name: datetime.now(UTC) - self._kept}
        with Following(self._find_cluster(), (ALERTS, SCREENS), since) as following:
            while not self._stop.is_set():
                found = following.poll(POLL_S)
                with self._lock:
                    for one in found:
                        sight.take(one)
                if self._sight is None and following.has_caught_up:
                    self._sight = sight
