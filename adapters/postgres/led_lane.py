"""What lanes share: the session that leads, over which everything goes, so that who lost the lead reads no more."""

from __future__ import annotations

from adapters.postgres.progress import LeaderSession


class LedLane:
    """Leads, keeps its position and waits under the name of its topic. Raises UnavailableError."""

    def __init__(self, dsn: str, topic: str) -> None:
        self._dsn, self._name = dsn, f"relay {topic}"
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
