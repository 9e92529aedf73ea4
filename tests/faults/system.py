"""An installation as operators run it: PostgreSQL, a broker, and each part a process of its own, to be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg

from adapters.kafka.broker import KafkaBroker
from adapters.kafka.cluster import Cluster
from adapters.kafka.jars import resolve_jars
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from adapters.postgres.migrate import create_roles_and_databases
from adapters.postgres.server import PostgresServer
from deploy.processes import PARENT
from deploy.settings import Settings
from deploy.wiring import Installation
from domain.errors import UnavailableError
from projections.catalogue import SERVICES
from projections.engine.progress import count_behind
from projections.engine.schema import connect
from streams.topics import EVENTS
from tests.kafka_fixtures import JARS, POM

ROOT = Path(__file__).parents[2]
# The images of pages in the log would hide what is looked for in it.
READABLE = {"wal_compression": "off"}
GLANCE_S, STOP_S, COMMAND_S = 0.25, 40.0, 120.0


class Mark(NamedTuple):
    """How far the ledger was at some time."""

    position: int
    heads: Mapping[int, int]


class Part:
    """A process that runs until it is stopped or killed, and ends by itself when the test does."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self._command, self._environment, self.log = name, command, environment, log
        self.process: subprocess.Popen[bytes] | None = None
        self._since = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._since = log.tell()
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT, env=dict(self._environment)
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def status(self) -> int | None:
        """None while it runs."""
        assert self.process is not None
        if self.process.poll() is not None:
            self._close_input()
        return self.process.returncode

    @property
    def has_begun(self) -> bool:
        """Whether it says so: from then on it hears SIGTERM."""
        return b'"event":"started"' in self.log.read_bytes()[self._since :]

    def require_running(self) -> None:
        assert self.status is None, f"{self.name} ended with {self.status}: {self.told()}"

    def told(self) -> str:
        return self.log.read_text()[-2_000:]

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self._reap()

    def stop(self) -> int:
        """In good order, with its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.await_end()

    def end_input(self) -> int:
        """Of a part that takes this for the end."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.await_end()

    def await_end(self, timeout_s: float = STOP_S) -> int:
        assert self.process is not None
        status = self.process.wait(timeout_s)
        self._reap()
        return status

    def _reap(self) -> None:
        assert self.process is not None
        self.process.wait(STOP_S)
        self._close_input()

    def _close_input(self) -> None:
        assert self.process is not None
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()


class System:
    """Made by `installed`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.logs = folder, folder / "home", folder / "logs"
        self.logs.mkdir()
        self.home.mkdir(mode=0o711)
        self.server = PostgresServer(self.home / "postgres", settings=READABLE)
        self.broker = KafkaBroker(self.home / "kafka", JARS)
        self._parts: list[Part] = []

    @property
    def database(self) -> str:
        return self.server.dsn("relato")

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.broker.bootstrap)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, database=self.database, kafka=self.broker.bootstrap)

    def environment(self, *, kafka: bool) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
        given = {"RELATO_HOME": str(self.home), "RELATO_DATABASE": self.database, "RELATO_PORT": "0"}
        given["PYTHONPATH"] = str(ROOT)
        return {**kept, **given, **({"RELATO_KAFKA": self.broker.bootstrap} if kafka else {})}

    def part(self, name: str, *arguments: str, kafka: bool = True, settings: Mapping[str, str] | None = None) -> Part:
        """`relato run …`, in whose command line our folder is named; `settings` as the environment has them."""
        command = [sys.executable, "-m", "deploy.main", "--home", str(self.home), *arguments]
        return self._keep(name, command, {**self.environment(kafka=kafka), PARENT: "1", **(settings or {})})

    def program(self, name: str, module: str, *arguments: str) -> Part:
        return self._keep(name, [sys.executable, "-m", module, *arguments], self.environment(kafka=False))

    def _keep(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Part:
        part = Part(name, command, environment, self.logs / f"{name.replace(' ', '-')}.log")
        self._parts.append(part)
        return part

    def relato(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.main", "--home", str(self.home), *arguments]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.folder, env=self.environment(kafka=True),
            timeout=COMMAND_S,
        )  # fmt: skip

    def tell(self, *arguments: str) -> str:
        """What a command answers that must succeed."""
        done = self.relato(*arguments)
        assert done.returncode == 0, done
        return done.stdout

    def ask(self, question: str, *params: object, database: str = "relato") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.dsn(database), autocommit=True) as db:
            return db.execute(question.encode(), params).fetchall()

    def mark(self) -> Mark:
        found = self.ask("select partition, max(partition_seq), max(position) from ledger.fact group by 1")
        return Mark(max((last for _, _, last in found), default=0), {p: seq for p, seq, _ in found})

    @property
    def position(self) -> int:
        return self.mark().position

    def is_relayed(self, mark: Mark) -> bool:
        progress = self.ask("select position from ledger.progress where name = %s", f"relay {EVENTS.name}")
        return [(mark.position,)] <= progress

    def is_folded(self, mark: Mark) -> bool:
        return not any(self._count_behind(service.name, mark) for service in SERVICES)

    def _count_behind(self, service: str, mark: Mark) -> int:
        with connect(self.database, service) as db:
            if db.execute("select to_regclass('projection_bookmark')").fetchone() == (None,):
                return 1
            return count_behind(db, mark.heads, ["live"])

    def is_signed(self, mark: Mark) -> bool:
        store = PostgresCheckpointStore(self.database)
        try:
            return store.newest().frontier.size >= mark.position
        finally:
            store.close()

    def is_erased(self, mark: Mark) -> bool:
        """Whether every erasure up to there was carried out."""
        (found,) = self.ask(
            "select coalesce(max(position), 0) <= (select coalesce(max(position), 0) from ledger.progress"
            " where name = 'eraser') from ledger.fact where type = 'crm.customer.person_erased.v1' and position <= %s",
            mark.position,
        )
        return bool(found[0])

    def has_passed(self, mark: Mark) -> bool:
        return self.is_relayed(mark) and self.is_folded(mark) and self.is_signed(mark) and self.is_erased(mark)

    def await_passed(self, mark: Mark, timeout_s: float = 120.0) -> None:
        """Until relay, folds, checkpointer and eraser are beyond it, each of which must go on by itself."""
        self.await_true(lambda: self.has_passed(mark), timeout_s, lambda: self.explain(mark))

    def await_growth(self, facts: int) -> None:
        before = self.position
        self.await_true(lambda: self.position >= before + facts)

    def explain(self, mark: Mark) -> str:
        seen = {what.__name__: what(mark) for what in (self.is_relayed, self.is_folded, self.is_signed, self.is_erased)}
        return f"{mark.position}: {seen}\n" + "\n".join(f"== {part.name}: {part.told()}" for part in self._parts)

    def await_true(
        self, condition: Callable[[], bool], timeout_s: float = 60.0, explain: Callable[[], str] = str
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while not self._holds(condition):
            assert time.monotonic() < deadline, f"it did not come to that in time: {explain()}"
            time.sleep(GLANCE_S)

    def _holds(self, condition: Callable[[], bool]) -> bool:
        """Not while the database is away."""
        try:
            return condition()
        except (psycopg.OperationalError, UnavailableError):
            return False

    def prepare(self) -> None:
        """Databases, master key, topics: as `relato up` makes them before its children start."""
        from deploy.kafka_parts import prepare_topics  # noqa: PLC0415 with the broker running only

        self.server.start()
        self.broker.start()
        create_roles_and_databases(self.server.dsn(), ["relato"])
        with Installation(self.settings) as installation:
            _ = installation.vault
        prepare_topics(self.cluster)

    def end(self) -> None:
        """Everything, at once."""
        for part in self._parts:
            part.kill()
        self.broker.kill()
        self.server.kill()

    def processes(self) -> list[str]:
        """What still runs of ours, by command lines and by the directory that PostgreSQL's processes stand in."""
        return [found for process in psutil.process_iter(["cmdline", "cwd"]) if (found := self._recognise(process))]

    def _recognise(self, process: psutil.Process) -> str:
        said = " ".join([*(process.info["cmdline"] or []), process.info["cwd"] or ""])
        return said if str(self.folder) in said else ""


@contextmanager
def installed() -> Iterator[System]:
    """PostgreSQL's account must be able to enter, when root runs the tests."""
    resolve_jars(POM, JARS)
    folder = Path(tempfile.mkdtemp(prefix="relato-system-"))
    folder.chmod(0o711)
    system = System(folder)
    try:
        system.prepare()
        yield system
    finally:
        system.end()
        left = system.processes()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(system.server.socket_dir, ignore_errors=True)
    assert not left
