"""The account an embedded PostgreSQL runs as: ours, or an unprivileged one when we are root, whom it refuses."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from adapters.postgres.server_errors import NoAccountError, NotOwnerError, UnreachableError

ACCOUNT = "relato"

# Nothing of ours may leak in: PGPORT, PGOPTIONS and the like change a server as they change a client.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def choose_account(data: Path) -> pwd.struct_passwd | None:
    """Whose the server is to be: ours, or when we are root the data's owner, or an account made for it."""
    owner = data.stat().st_uid if data.exists() else os.geteuid()
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise NotOwnerError(directory=data, owner=owner)
        return None
    if owner != 0:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(owner)
    return _find_account(ACCOUNT) or _add_account(ACCOUNT) or _find_account("nobody") or _refuse_root()


def _find_account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _add_account(name: str) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd")
    if useradd is not None:
        run_as([useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name], None)
    return _find_account(name)


def _refuse_root() -> pwd.struct_passwd:
    raise NoAccountError


def hand_over(directory: Path, account: pwd.struct_passwd | None) -> None:
    """Give the directory with all in it to the account, where root made it or copied it there."""
    if account is None or directory.stat().st_uid == account.pw_uid:
        return
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def check_reachable(directories: Sequence[Path], account: pwd.struct_passwd | None) -> None:
    if account is None:
        return
    script = 'for directory; do cd "$directory" 2>/dev/null || { echo "$directory"; exit 1; }; done'
    ways = [way for directory in directories for way in (*reversed(directory.parents), directory)]
    done = run_as(["/bin/sh", "-c", script, "sh", *ways], account)
    if done.returncode != 0:
        raise UnreachableError(account=account.pw_name, directory=done.stdout.strip())


def run_as(command: Sequence[str | Path], account: pwd.struct_passwd | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 no shell, and the arguments are ours
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=ENVIRONMENT,
        user=account and account.pw_uid,
        group=account and account.pw_gid,
        extra_groups=account and [],
    )
