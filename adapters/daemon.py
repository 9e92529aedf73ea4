"""Servers that run beside us: started detached, found again by their process id, reaped when they are our children."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from pwd import struct_passwd

import psutil

_PAUSE_S = 0.02

# A child that nobody waits for stays a zombie, whose id still answers signals: the next start would take it for alive.
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


def spawn(
    command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None, account: struct_passwd | None
) -> int:
    """Start it in a session of its own, out of reach of the terminal's Ctrl-C; its output is appended to `log`."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 no shell, and the arguments are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=env,
            start_new_session=True,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and [],
        )
    finally:
        os.close(output)
    _CHILDREN[child.pid] = child
    return child.pid


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended but was not reaped by its parent does not."""
    child = _CHILDREN.get(pid)
    if child is not None:
        ended = child.poll() is not None
        if ended:
            _CHILDREN.pop(pid, None)
        return not ended
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def await_exit(pids: Iterable[int], timeout_s: float) -> bool:
    """Whether all of them ended in time."""
    left = list(pids)
    deadline = time.monotonic() + timeout_s
    while left := [pid for pid in left if is_alive(pid)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def read_number(path: Path) -> int | None:
    """The number in a file's first line, a process id for instance; none when there is no such file, or no number."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, so that of two programs that start the same server the second finds it running."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def tell_end(text: str, *, lines: int = 3) -> str:
    """The last lines that say something, in one line; a stack's frames don't."""
    told = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("\tat ", "\t..."))]
    return " / ".join(told[-lines:])


def tell_log(log: Path, since: int) -> str:
    """How the log ends that was written since it had that size."""
    try:
        return tell_end(log.read_bytes()[since:].decode(errors="replace"))
    except OSError:
        return ""
