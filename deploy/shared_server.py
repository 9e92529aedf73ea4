"""The embedded PostgreSQL, shared by every process of one home: the last one to leave stops it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from adapters.postgres.server import PostgresServer


class SharedServer:
    """Started unless it runs. A process that was killed leaves at once, for its lock goes with it."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._server = PostgresServer(home / "postgres", log=home / "postgres.log")
        self._users = os.open(home / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.dsn = self._server.dsn
        try:
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits for one who is stopping it just now
            self._server.start()
        except BaseException:
            os.close(self._users)
            raise

    def keep_running(self) -> bool:
        """Starts it again when it has ended; answers whether it had."""
        has_ended = not self._server.is_running
        if has_ended:
            self._server.start()
        return has_ended

    def close(self) -> None:
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._server.stop()
        finally:
            os.close(self._users)
