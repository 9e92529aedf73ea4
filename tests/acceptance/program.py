"""Relato as its users have it: a program, started anew for each command, on a home of its own."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adapters.cli.app import run
from adapters.postgres.server import PostgresServer
from deploy.main import open_installation
from deploy.shared_server import SharedServer

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120


class Said(NamedTuple):
    status: int
    out: str
    err: str


class Relato:
    """The command line over one home."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
        self.environment = {**kept, "PYTHONPATH": str(ROOT), "RELATO_HOME": str(self.home), "RELATO_PORT": "0"}

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "deploy.main", *map(str, arguments)]

    def __call__(self, *arguments: object, given: str | None = None, **environment: str) -> Said:
        done = subprocess.run(
            self.command(*arguments),
            check=False,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            input=given,
            cwd=self.folder,
            env={**self.environment, **environment},
            timeout=TIMEOUT_S,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def tell(self, *arguments: object, **environment: str) -> str:
        """What a command answers that must succeed."""
        said = self(*arguments, **environment)
        assert said.status == 0, said
        return said.out

    def do(self, command: str, **fields: object) -> dict[str, Any]:
        options = [part for name, value in fields.items() for part in (f"--{name.replace('_', '-')}", _typed(value))]
        answer: dict[str, Any] = json.loads(self.tell("do", command, *options, "--json"))
        return answer

    def make(self, command: str, **fields: object) -> str:
        """The id that was made."""
        return str(next(iter(self.do(command, **fields)["ids"].values())))

    def rows(self, view: str, *options: object, role: str = "administrator", **filters: object) -> list[dict[str, Any]]:
        """Of a view, with everything folded that was told before."""
        conditions = [part for name, value in filters.items() for part in ("--filter", f"{name}={value}")]
        return _lines(self.tell("--role", role, "show", view, *conditions, *options, "--json"))

    def history(self, customer_id: str, *options: object, role: str = "administrator") -> list[dict[str, Any]]:
        return _lines(self.tell("--role", role, "history", customer_id, *options, "--json"))

    @contextmanager
    def up(self, *options: object) -> Iterator[subprocess.Popen[str]]:
        """Everything runs meanwhile; ended by Ctrl-C unless it has ended."""
        log = (self.folder / "up.log").open("a+")
        process = subprocess.Popen(
            self.command("up", *options), stdout=log, stderr=log, text=True, cwd=self.folder, env=self.environment
        )
        try:
            self.await_workers(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)
            log.close()

    def await_workers(self, process: subprocess.Popen[str] | None = None) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not all(service["workers"] for service in self.status()["services"]):
            assert time.monotonic() < deadline, (self.folder / "up.log").read_text()
            assert process is None or process.poll() is None, (self.folder / "up.log").read_text()
            time.sleep(0.5)

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.tell("status", "--json"))
        return answer

    def stop(self) -> None:
        """Whatever a test left running."""
        PostgresServer(self.home / "postgres").stop("immediate")


def _typed(value: object) -> str:
    return json.dumps(value) if isinstance(value, list | dict | bool) else str(value)


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def one(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    assert len(rows) == 1, rows
    return rows[0]


class Quick(Relato):
    """The same command line, run within the tests' process: for tests of what it answers, not of how it ends."""

    def __call__(self, *arguments: object, given: str | None = None, **environment: str) -> Said:
        out, err = _pipe(), _pipe()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in {*os.environ} - {*self.environment}:
                patch.delenv(name)
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr("sys.stdin", _pipe((given or "").encode()))
            status = run([*map(str, arguments)], open_installation, is_debugged=lambda: False)
        return Said(status, _read(out), _read(err))


def _pipe(content: bytes = b"") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="surrogateescape", write_through=True)


def _read(pipe: io.TextIOWrapper) -> str:
    pipe.seek(0)
    return pipe.read()


@contextmanager
def served(relato: Relato) -> Iterator[None]:
    """Its PostgreSQL runs meanwhile, so that no command has to start and to stop it."""
    with closing(SharedServer(relato.home)):
        yield


@contextmanager
def made(kind: type[Relato] = Relato) -> Iterator[Relato]:
    """PostgreSQL's account must be able to enter, when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="relato-cli-"))
    folder.chmod(0o711)
    relato = kind(folder)
    try:
        yield relato
    finally:
        relato.stop()
        shutil.rmtree(folder, ignore_errors=True)
