"""What those share who go along the ledger alone: the session that leads; who lost the lead reads no more."""

from __future__ import annotations

from collections.abc import Collection

from adapters.postgres.progress import LeaderSession
from adapters.postgres.wire import EVENT_COLUMNS, decode_events, encode_int8, encode_texts
from domain.event import Event
from streams.relay import Page

# the page's last row says how far it goes, whatever it is
READ = f"""with page as materialized (select {EVENT_COLUMNS} from ledger.fact where position > $1::int8
  order by position limit $2::int8)
  select * from page where type = any ($3::text[]) or position = (select max(position) from page) order by position"""


class LedLane:
    """Leads, keeps its position and waits under a name. Raises UnavailableError."""

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn, self._name = dsn, name
        self._opened: LeaderSession | None = None

    @property
    def _session(self) -> LeaderSession:
        if self._opened is None:
            self._opened = LeaderSession(self._dsn, self._name)
        return self._opened

    def lead(self) -> bool:
        if not self._session.lead():
            return False
        self._session.listen("ledger")  # before the first read, or a wake-up is lost
        return True

    def load(self) -> int:
        return self._session.load()

    def read_of(self, types: Collection[str], after: int, limit: int) -> Page[Event]:
        """Facts of these types, and the last one that was looked at, of whichever type."""
        events = decode_events(self._session(READ, encode_int8(after), encode_int8(limit), encode_texts(types)))
        return Page(events, events[-1].position if events else after)

    def save(self, before: int, position: int) -> bool:
        return self._session.save(before, position)

    def reset(self) -> None:
        self._session.reset()

    def wait(self, timeout_s: float) -> None:
        self._session.wait(timeout_s)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None
