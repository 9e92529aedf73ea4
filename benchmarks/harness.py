"""What every benchmark shares: a scratch installation, rounds in which the sides take turns, and a way to be run.

Both sides of a figure run on one PostgreSQL with fsync and synchronous_commit on, one after the other within each
round (A B A B …), so that a machine whose speed drifts moves both. The scratch installation is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from benchmarks.figures import Figure, Measured, Missing
from benchmarks.machine import describe_machine, describe_server
from deploy import kafka_parts
from deploy.processes import Child, environment_of
from deploy.settings import EMBEDDED, Settings
from deploy.wiring import Installation

Side = Callable[[], float]  # one turn; answers its figure
STOP_S = 20.0


class Scratch:
    """An installation of its own, with PostgreSQL and, when asked for, Kafka."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        folder = tempfile.TemporaryDirectory(prefix="relato-bench-", ignore_cleanup_errors=True)
        self.folder = Path(self._stack.enter_context(folder))
        self.folder.chmod(0o711)  # PostgreSQL's own account goes through it
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def settings(self) -> Settings:
        return Settings(home=self.folder / "home", database=None, keys_database=None, kafka=EMBEDDED)

    @cached_property
    def installation(self) -> Installation:
        installation = self._stack.enter_context(Installation(self.settings))
        _ = installation.vault
        return installation

    @property
    def dsn(self) -> str:
        """The ledger's, for the application's role."""
        return self.installation.databases.ledger

    def owner(self, database: str = "relato") -> str:
        assert self.installation.server is not None
        return self.installation.server.dsn(database)

    @cached_property
    def kafka(self) -> str:
        """A broker's address, with the topics made; raises RelatoError where Java or Maven is missing."""
        broker = kafka_parts.start_broker(self.settings)
        self._stack.callback(broker.stop)
        kafka_parts.prepare_topics(kafka_parts.cluster_of(self.settings))
        return broker.bootstrap

    def start(self, name: str, *arguments: str, kafka: bool = False) -> Child:
        """A process of `relato run`, as `relato up` starts it; it stops with the scratch installation."""
        given = {"RELATO_HOME": str(self.settings.home)} | ({"RELATO_KAFKA": self.kafka} if kafka else {})
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        child = Child(name, arguments, environment_of(given), logs)
        child.start()
        self._stack.callback(_stop, child)
        return child

    def choose(self, full: float, quick: float) -> float:
        return quick if self.quick else full

    def count(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def _stop(child: Child) -> None:
    child.ask_to_stop()
    child.await_end(time.monotonic() + STOP_S)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def beside(module: str, *arguments: str) -> subprocess.Popen[str]:
    """A part of a benchmark in a process of its own, so that the sides do not wait for a turn at one interpreter."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def say(process: subprocess.Popen[str], asked: Mapping[str, object]) -> None:
    """A line for its input, as JSON."""
    assert process.stdin
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> Any:
    """What it tells next."""
    assert process.stdout
    return json.loads(process.stdout.readline())


def take_turns(sides: Mapping[str, Side], rounds: int) -> dict[str, list[float]]:
    """A B A B …: every side once in each round."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for n in range(rounds):
        for name, side in sides.items():
            found[name].append(round(value := side(), 3))
            print(f"  {n + 1}/{rounds} {name}: {value:,.4g}", flush=True)
    return found


def timed(deed: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    deed()
    return time.perf_counter() - start


def main(measure: Callable[[Scratch], Measured]) -> None:
    """One benchmark by itself: prints its figures, and writes them to --out."""
    parser = argparse.ArgumentParser(description="Measures one row of docs/performance.md.")
    parser.add_argument("--quick", action="store_true", help="a try of a few seconds; its figures mean nothing")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    asked = parser.parse_args()
    with Scratch(quick=asked.quick) as scratch:
        about = describe_machine() | describe_server(scratch.owner())
        figures = measure(scratch)
    for figure in figures:
        print(tell(figure))
    if asked.out:
        found = {"machine": about, "figures": [figure.model_dump() for figure in figures]}
        asked.out.write_text(json.dumps(found))


def tell(figure: Figure | Missing) -> str:
    if isinstance(figure, Missing):
        return f"{figure.what}: not measured, {figure.reason}"
    spread = f"{figure.middle:,.4g} {figure.unit} ({min(figure.values):,.4g} … {max(figure.values):,.4g})"
    bound = "" if figure.target is None else f", {'at most' if figure.is_most else 'at least'} {figure.target:,g}"
    state = {True: "reached", False: "NOT REACHED", None: "for information"}[figure.is_reached]
    return f"{figure.what} | {figure.against}: {spread}{bound}: {state}"


def cores() -> int:
    return os.cpu_count() or 1
