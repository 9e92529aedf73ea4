"""How long the API is away when it was killed under load, over a ledger of a million facts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx

from adapters.ids import uuid7
from benchmarks import companies
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, free_port, main, take_turns
from benchmarks.serving import issue_key
from deploy.processes import environment_of

FACTS, CALLERS, TARGET_S, LONGEST_S = 1_000_000, 8, 5.0, 60.0
DEAL = {"title": "Chairs"}
HOW = (
    "`relato run api` is killed with SIGKILL while {callers} callers give commands, and started again at once; the time"
    " is from its start until /health/ready says so and a command is acknowledged. The ledger holds {facts:,} facts."
)


class Api:
    """`relato run api`, killed and started again on one port."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._port = free_port()
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=LONGEST_S)
        self._client.headers["Authorization"] = f"Bearer {issue_key(scratch)}"
        self._process = self._start()

    def give(self) -> bool:
        """Whether it was acknowledged."""
        with suppress(httpx.TransportError):
            return self._client.post(
                "/v1/opportunity/new/open", json=DEAL, headers={"Idempotency-Key": str(uuid7())}
            ).is_success
        return False

    def seconds_away(self) -> float:
        with self._under_load():
            time.sleep(1.0)
            self.kill()
        began = time.perf_counter()
        self._process = self._start()
        self.await_ready()
        return time.perf_counter() - began

    def await_ready(self) -> None:
        deadline = time.monotonic() + LONGEST_S
        while not (self._is_ready() and self.give()):
            if time.monotonic() > deadline:
                raise RuntimeError("the API is not ready")
            time.sleep(0.005)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            return self._client.get("/health/ready").is_success
        return False

    def _start(self) -> subprocess.Popen[bytes]:
        given = {"RELATO_HOME": str(self._scratch.settings.home), "RELATO_PORT": str(self._port)}
        log = os.open(self._scratch.folder / "api.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            # its input is ours: it ends with us
            command = [sys.executable, "-m", "deploy.main", "run", "api"]
            return subprocess.Popen(command, env=_compiled(given), stdin=subprocess.PIPE, stderr=log)
        finally:
            os.close(log)

    @contextmanager
    def _under_load(self) -> Iterator[None]:
        stop = threading.Event()
        callers = [threading.Thread(target=partial(self._call, stop)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield
        finally:
            stop.set()
            for caller in callers:
                caller.join()

    def _call(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.give()


def _compiled(given: Mapping[str, str]) -> Mapping[str, str]:
    """As an installed program finds its code."""
    kept = {name: value for name, value in environment_of(given).items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(given["RELATO_HOME"]) / "compiled")}


def measure(scratch: Scratch) -> Measured:
    facts = companies.fill(scratch.installation, scratch.count(FACTS, 5_000))
    api = Api(scratch)
    try:
        api.await_ready()
        found = take_turns({"seconds": api.seconds_away}, scratch.count(5, 2))
    finally:
        api.kill()
    return [
        Figure(
            what="ready again after kill -9, ledger of 1,000,000",
            against="a start of the process, to its first acknowledged command",
            unit="s",
            target=TARGET_S,
            is_most=True,
            values=found["seconds"],
            how=HOW.format(callers=CALLERS, facts=facts),
        )
    ]


if __name__ == "__main__":
    main(measure)
