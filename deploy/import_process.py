"""An import as a process of its own: `python -m deploy.import_process`, ordered on its input.

It ends when its input does: with the server that started it, however that ends. What it does it says on the output.
The file that it imports goes with it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from adapters.importers.background import KILLED, Order, Running
from adapters.importers.errors import ImportStoppedError
from adapters.importers.expanded import check_expanded
from adapters.importers.importing import Progress, run
from adapters.postgres.progress import LeaderSession
from deploy.logs import configure_logs
from deploy.processes import environment_of, stop_with_parent
from deploy.processors import use_all
from deploy.settings import Settings
from deploy.wiring import Installation
from domain.errors import RelatoError

MEMORY_BYTES = 8 << 30  # of addresses; a line or a table without an end must not take the machine
NICE = 10  # commands and reads come first


class ImportProcess:
    """Implements Running."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def messages(self) -> Iterator[Mapping[str, Any]]:
        assert self._process.stdout
        has_ended = False
        with self._process.stdout as lines:
            for line in lines:
                message = json.loads(line)
                has_ended = has_ended or "progress" not in message
                yield message
        status = self._process.wait()
        self._close_input()
        if not has_ended:
            yield {"problem": {"code": KILLED, "detail": f"the import's process ended with status {status}"}}

    def stop(self) -> None:
        self._close_input()

    def kill(self) -> None:
        """With the one that reads ahead for it: that has our output open too."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _close_input(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()


def start(settings: Settings, order: Order) -> Running:
    """With our settings, those of the command line too."""
    given = {"RELATO_HOME": str(settings.home.absolute()), "RELATO_DATABASE": settings.database}
    environment = environment_of({name: value for name, value in given.items() if value})
    return start_in(environment, order)


def start_in(environment: Mapping[str, str], order: Order) -> Running:
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.import_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    assert process.stdin
    told = {name: str(part) if isinstance(part, Path) else part for name, part in order._asdict().items()}
    process.stdin.write(json.dumps(told).encode() + b"\n")
    process.stdin.flush()
    return ImportProcess(process)


def lead_imports(dsn: str) -> LeaderSession | None:
    """The lease of the installation's one import; none while somebody has it."""
    session = LeaderSession(dsn, "imports")
    if session.lead():
        return session
    session.close()
    return None


def main() -> None:
    os.nice(NICE)
    use_all()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    configure_logs()
    order = _read_order(sys.stdin.buffer)
    stop = threading.Event()
    stop_with_parent(stop)
    out, sys.stdout = sys.stdout, sys.stderr  # what anything prints must not stand among our lines
    try:
        _import(order, out, stop)
    except RelatoError as error:
        _tell(out, {"problem": {"code": _code(error), "detail": str(error).replace(f"{order.path.parent}/", "")}})
    finally:
        order.path.unlink(missing_ok=True)


def _read_order(source: IO[bytes]) -> Order:
    told = json.loads(source.readline())
    paths = {name: Path(told[name]) for name in ("path", "rejects", "mapping") if told[name]}
    return Order(**told | paths)


def _import(order: Order, out: IO[str], stop: threading.Event) -> None:
    settings = Settings()
    check_expanded(order.path, settings.import_expanded_bytes)
    with Installation(settings, part="import") as installation:
        report = run(
            order.format_,
            order.path,
            order.mapping,
            executor=installation.executor,
            ledger=installation.ledger,
            vault=installation.vault,
            progress=installation.import_progress,
            actor=order.actor,
            rejects_path=order.rejects,
            dry_run=order.dry_run,
            again=order.again,
            on_progress=lambda progress: _tell_progress(out, progress),
            stop=stop.is_set,
        )
    told = json.loads(report.to_json())
    for file in told["files"]:
        file["rejects"] = file["rejects"] and Path(file["rejects"]).name
    _tell(out, {"report": told})


def _tell_progress(out: IO[str], progress: Progress) -> None:
    _tell(out, {"progress": asdict(progress)})


def _tell(out: IO[str], message: Mapping[str, Any]) -> None:
    """Nobody may be there to hear it: then the end of the input stops us."""
    with suppress(BrokenPipeError):
        out.write(json.dumps(message, default=str) + "\n")
        out.flush()


def _code(error: RelatoError) -> str:
    return "import-stopped" if isinstance(error, ImportStoppedError) else "unavailable"


if __name__ == "__main__":
    main()
