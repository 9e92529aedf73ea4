"""The processes of `relato up`: started, watched, started again when one ends, stopped together in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

from domain.errors import RelatoError

PARENT = "RELATO_SUPERVISED"
FIRST_PAUSE_S, LONGEST_PAUSE_S, CALM_S = 0.5, 30.0, 20.0
STOP_S = 20.0
GLANCE_S, SERVER_GLANCE_S = 0.2, 1.0


class Child:
    """One `relato run …`. It stops when its input ends, so none outlives us, however we end.

    Its log is a file among the logs, or goes where ours does.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], logs: Path | None = None
    ) -> None:
        self.name, self._arguments, self._environment = name, arguments, environment
        self.log = logs / f"{name.replace(' ', '-')}.log" if logs else None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at, self._failures, self._due = 0.0, 0, 0.0

    @property
    def pid(self) -> int | None:
        """While it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        with self.log.open("ab") if self.log else nullcontext() as log:
            self._process = subprocess.Popen(  # noqa: S603 our own program, no shell
                [sys.executable, "-m", "deploy.main", "run", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(self._environment),
                start_new_session=True,  # Ctrl-C is ours; we stop them in order
            )
        self._started_at = time.monotonic()

    def watch(self, tell: Callable[[str], None]) -> None:
        """Starts it again, a little later each time, when it has ended."""
        if self._process is not None:
            if (status := self._process.poll()) is None:
                return
            self._close_input()
            self._process = None
            self._failures = 0 if time.monotonic() - self._started_at > CALM_S else self._failures + 1
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures, 10))
            self._due = time.monotonic() + pause_s
            where = f", see {self.log}" if self.log else ""
            tell(f"{self.name} ended ({_say(status)}); again in {pause_s:.0f} s{where}")
        elif time.monotonic() >= self._due:
            self.start()

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """It is started again, as when it ends by itself."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def await_end(self, deadline: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_input()

    def _close_input(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


def _say(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


class Server:
    """A server of ours: `keep_running` starts it again when it has ended, and answers whether it had."""

    def __init__(self, name: str, keep_running: Callable[[], bool]) -> None:
        self._name, self._keep_running, self._due = name, keep_running, 0.0

    def watch(self, tell: Callable[[str], None]) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SERVER_GLANCE_S
        try:
            if self._keep_running():
                tell(f"{self._name} had ended; it runs again")
        except RelatoError as error:
            self._due = time.monotonic() + LONGEST_PAUSE_S
            tell(f"{self._name} has ended: {error}; again in {LONGEST_PAUSE_S:.0f} s")


class Watched(Protocol):
    """What is looked after between two glances at the children."""

    def watch(self, tell: Callable[[str], None]) -> None: ...


def supervise(
    servers: Sequence[Watched], children: Sequence[Child], tell: Callable[[str], None], stop: threading.Event
) -> None:
    """Until `stop`."""
    try:
        for child in children:
            child.start()
        while not stop.wait(GLANCE_S):
            for server in servers:
                server.watch(tell)
            for child in children:
                child.watch(tell)
    finally:
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        for child in children:
            child.await_end(deadline)


def environment_of(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Ours with these settings, and the way to our own code."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **settings, "PYTHONPATH": path, PARENT: "1"}


def stop_with_parent(stop: threading.Event) -> None:
    """Sets `stop` when whoever supervises us is gone; does nothing when nobody does."""
    if PARENT in os.environ:
        threading.Thread(target=_await_end_of_input, args=(stop,), name="parent", daemon=True).start()


def _await_end_of_input(stop: threading.Event) -> None:
    # not sys.stdin: its lock would be held while the interpreter ends
    while os.read(0, 1):
        pass
    stop.set()
