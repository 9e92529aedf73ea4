"""An embedded Apache Kafka of one node, run by Java from jars that Maven resolves, on a port it keeps."""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
import secrets
import signal
import socket
import time
import uuid
from pathlib import Path
from string import Template
from typing import Self

import psutil
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from adapters import daemon
from adapters.kafka.broker_errors import (
    BrokerNotReadyError,
    BrokerNotRunningError,
    BrokerStartFailedError,
    BrokerStopFailedError,
    JarsMissingError,
    PortInUseError,
)
from adapters.kafka.jars import find_java, run

HOST = "127.0.0.1"

# Below the ports that systems give to those who connect: a client that keeps trying a dead broker's port would
# sooner or later be given that very port, be connected to itself, and keep the broker from coming back.
_PORTS = range(20_000, 32_000)

# Of two cores the collector and the compiler for servers take more than they give back at a small machine's rates:
# at 200 records a second 2.2 ms of CPU a record, with these 1.1.
FRUGAL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

_PROBE_S = 5


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

    @property
    def partners_bootstrap(self) -> str:
        """Where one comes in with a user and a password."""
        port = daemon.read_number(self._partners_port_file)
        if port is None:
            raise BrokerNotRunningError(home=self.home)
        return f"{HOST}:{port}"

    def start(self, timeout_s: float = 60) -> None:
        """Start the broker, or attach to it where it runs already; it answers requests then."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with daemon.alone_in(self.home):
                self._launch_or_attach(timeout_s)
        except OSError as error:
            raise BrokerStartFailedError(reason=error) from error

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
    def _partners_port_file(self) -> Path:
        return self.home / "partners-port"

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

    def _launch_or_attach(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        since = daemon.size(self.log)
        pid = self.pid
        if pid is None:
            pid = self._launch()
            self._is_ours = True
        self._await_answer(pid, since, deadline)

    def _launch(self) -> int:
        java = find_java()
        if not any(self.jars.glob("kafka_*.jar")):
            raise JarsMissingError(directory=self.jars)
        self._choose_ports()
        self._write_settings()
        if not (self._records / "meta.properties").exists():
            self._format_records(java)
        heap = ["-Xms256m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", *FRUGAL]
        logging = [f"-Dorg.slf4j.simpleLogger.{name}" for name in ("defaultLogLevel=warn", "showDateTime=true")]
        pattern = "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
        command = [java, *heap, *logging, pattern, *self._program("kafka.Kafka"), str(self._settings)]
        pid = daemon.spawn(command, self.log, account=None)
        self._pid_file.write_text(f"{pid}\n")
        return pid

    def _program(self, main_class: str) -> list[str]:
        return ["-Djava.awt.headless=true", "-cp", f"{self.jars}/*", main_class]

    def _choose_ports(self) -> None:
        port = self._wanted_port or daemon.read_number(self._port_file) or _find_free_port()
        partners_port = daemon.read_number(self._partners_port_file) or _find_free_port(port)
        for wanted, file in ((port, self._port_file), (partners_port, self._partners_port_file)):
            if not _is_free(wanted):
                raise PortInUseError(port=wanted)
            file.write_text(f"{wanted}\n")

    def _write_settings(self) -> None:
        # A property file's escapes for a path are JSON's.
        records = json.dumps(str(self._records))[1:-1]
        template = Template(self._template.read_text())
        partners_port = daemon.read_number(self._partners_port_file) or 0
        ports = {"port": self.port, "partners_port": partners_port}
        controller_port = _find_free_port(*ports.values())
        self._settings.write_text(template.substitute(**ports, controller_port=controller_port, data=records))

    def _format_records(self, java: str) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        options = ["format", f"--cluster-id={cluster}", f"--config={self._settings}", "--ignore-formatted"]
        done = run([java, "-Xmx128m", *self._program("kafka.tools.StorageTool"), *options])
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


def _find_free_port(*but: int) -> int:
    while (port := secrets.choice(_PORTS)) in but or not _is_free(port):
        pass
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As Java does: a port whose old connections linger is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True
