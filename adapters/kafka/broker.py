"""An embedded Apache Kafka of one node, run by Java from jars that Maven resolves, on a port it keeps."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path
from string import Template
from typing import Self

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from adapters import daemon
from domain.errors import RelatoError

HOST = "127.0.0.1"
OLDEST_JAVA = 17

_STAMP = ".resolved-from"
_PROBE_S = 5


class BrokerError(RelatoError):
    """The embedded Kafka failed."""


class NoJavaError(BrokerError):
    """Kafka needs Java 17 or newer; install one (`apt install openjdk-17-jre-headless`), or do without `--kafka`."""


class NoMavenError(BrokerError):
    """Maven, which fetches Kafka's jars, is missing; install it (`apt install maven`), or do without `--kafka`."""


class JarsUnresolvedError(BrokerError):
    """Maven could not fetch Kafka's jars."""


class JarsMissingError(BrokerError):
    """Kafka's jars are missing; fetch them with `make kafka`."""


class PortInUseError(BrokerError):
    """Another program listens on the broker's port; stop it, or choose another port."""


class BrokerStartFailedError(BrokerError):
    """Kafka did not start."""


class BrokerNotReadyError(BrokerError):
    """Kafka is still starting, or hangs; wait a while and try again."""


class BrokerStopFailedError(BrokerError):
    """Kafka did not stop in time."""


class BrokerNotRunningError(BrokerError):
    """Kafka does not run; start it first."""


def resolve_jars(pom: Path, into: Path) -> None:
    """Fetch the jars that the pom lists, once: again only when the pom has changed."""
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    into.parent.mkdir(parents=True, exist_ok=True)
    with daemon.alone_in(into.parent):
        stamp = into / _STAMP
        if stamp.exists() and stamp.read_text() == wanted:
            return
        # Whole or not at all: half the jars, or those of two releases, would be one class path.
        staging = into.with_name(f"{into.name}.new")
        shutil.rmtree(staging, ignore_errors=True)
        _fetch_jars(pom, staging)
        (staging / _STAMP).write_text(wanted)
        shutil.rmtree(into, ignore_errors=True)
        staging.rename(into)


class KafkaBroker:
    """The broker whose state is in `home`; `with` starts it, and stops it when it was not running before.

    `port` 0 takes the one it had before, or a free one. `template` is by default the `server.properties` beside `jars`.
    """

    def __init__(self, home: Path, jars: Path, *, port: int = 0, template: Path | None = None) -> None:
        self.home = home.resolve()
        self.jars = jars.resolve()
        self.log = self.home / "broker.log"
        self._wanted_port = port
        self._template = template or self.jars.parent / "server.properties"
        self._is_ours = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_ours:
            self.stop()

    @property
    def pid(self) -> int | None:
        """The process id while it runs; the file may name a process that took the number of a dead broker."""
        pid = daemon.read_number(self._pid_file)
        if pid is None or not daemon.is_alive(pid):
            return None
        with contextlib.suppress(psutil.Error):
            return pid if str(self._settings) in psutil.Process(pid).cmdline() else None
        return None

    @property
    def is_running(self) -> bool:
        return self.pid is not None

    @property
    def port(self) -> int:
        """The port it listens on, or did when it ran."""
        port = daemon.read_number(self._port_file)
        if port is None:
            raise BrokerNotRunningError(home=self.home)
        return port

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def start(self, timeout_s: float = 60) -> None:
        """Start the broker, or attach to it where it runs already; it answers requests then."""
        self.home.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_s
        with daemon.alone_in(self.home):
            since = daemon.size(self.log)
            pid = self.pid
            if pid is None:
                pid = self._launch()
                self._is_ours = True
            self._await_answer(pid, since, deadline)

    def stop(self, timeout_s: float = 60) -> None:
        """Stop the broker in good order, whoever started it."""
        pid = self.pid
        if pid is None:
            return
        # A paused process would not see the other signal.
        os.kill(pid, signal.SIGCONT)
        self._end(pid, signal.SIGTERM, timeout_s)

    def kill(self) -> None:
        """End the broker at once."""
        pid = self.pid
        if pid is not None:
            self._end(pid, signal.SIGKILL, timeout_s=10)

    def pause(self) -> None:
        """Let the broker hang, its port open, until `resume`."""
        os.kill(self._require_pid(), signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._require_pid(), signal.SIGCONT)

    @property
    def _pid_file(self) -> Path:
        return self.home / "broker.pid"

    @property
    def _port_file(self) -> Path:
        return self.home / "port"

    @property
    def _settings(self) -> Path:
        return self.home / "server.properties"

    @property
    def _records(self) -> Path:
        return self.home / "records"

    def _require_pid(self) -> int:
        pid = self.pid
        if pid is None:
            raise BrokerNotRunningError(home=self.home)
        return pid

    def _end(self, pid: int, how: signal.Signals, timeout_s: float) -> None:
        os.kill(pid, how)
        if not daemon.await_exit([pid], timeout_s):
            raise BrokerStopFailedError(pid=pid, log=self.log)
        self._pid_file.unlink(missing_ok=True)

    def _launch(self) -> int:
        java = _find_java()
        if not any(self.jars.glob("kafka_*.jar")):
            raise JarsMissingError(directory=self.jars)
        self._choose_port()
        self._write_settings()
        if not (self._records / "meta.properties").exists():
            self._format_records(java)
        heap = ["-Xms256m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError"]
        logging = [f"-Dorg.slf4j.simpleLogger.{name}" for name in ("defaultLogLevel=warn", "showDateTime=true")]
        pattern = "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
        command = [java, *heap, *logging, pattern, *self._program("kafka.Kafka"), str(self._settings)]
        pid = daemon.spawn(command, self.log, account=None)
        self._pid_file.write_text(f"{pid}\n")
        return pid

    def _program(self, main_class: str) -> list[str]:
        return ["-Djava.awt.headless=true", "-cp", f"{self.jars}/*", main_class]

    def _choose_port(self) -> None:
        port = self._wanted_port or daemon.read_number(self._port_file) or _find_free_port()
        _check_free(port)
        self._port_file.write_text(f"{port}\n")

    def _write_settings(self) -> None:
        # A property file's escapes for a path are JSON's.
        records = json.dumps(str(self._records))[1:-1]
        template = Template(self._template.read_text())
        self._settings.write_text(
            template.substitute(port=self.port, controller_port=_find_free_port(), data=records),
        )

    def _format_records(self, java: str) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        options = ["format", f"--cluster-id={cluster}", f"--config={self._settings}", "--ignore-formatted"]
        done = _run([java, "-Xmx128m", *self._program("kafka.tools.StorageTool"), *options])
        if done.returncode != 0:
            raise BrokerStartFailedError(formatting=daemon.tell_end(done.stdout + done.stderr))

    def _await_answer(self, pid: int, since: int, deadline: float) -> None:
        while not self._answers():
            if not daemon.is_alive(pid):
                raise BrokerStartFailedError(log=self.log, which_ends=daemon.tell_log(self.log, since))
            if time.monotonic() > deadline:
                raise BrokerNotReadyError(log=self.log, which_ends=daemon.tell_log(self.log, since))
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            # The client would log a warning at every attempt before the port is open.
            socket.create_connection((HOST, self.port), timeout=1).close()
            with KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=_PROBE_S * 1000) as admin:
                return bool(admin.describe_cluster()["brokers"])
        except (OSError, KafkaError):
            return False


def _find_java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NoJavaError
    done = _run([java, "-version"])
    version = re.search(r'version "(\d+)', done.stderr + done.stdout)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise NoJavaError(found=version[1] if version else java)
    return java


def _fetch_jars(pom: Path, into: Path) -> None:
    _find_java()
    maven = shutil.which("mvn")
    if maven is None:
        raise NoMavenError
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    done = _run([maven, "--quiet", "--batch-mode", f"--file={pom.resolve()}", *goal])
    if done.returncode != 0:
        raise JarsUnresolvedError(maven_says=_tell_first_error(done.stdout))


def _tell_first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("[ERROR]")]
    return daemon.tell_end("\n".join(errors[:1]) or output)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 no shell, our arguments


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        # As Java does: a port whose old connections linger is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(port=port) from error
            raise BrokerStartFailedError(port=port, reason=error.strerror) from error
