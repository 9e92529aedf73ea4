"""What an embedded Kafka runs on: Java, and the jars that Maven fetches."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from adapters import daemon
from adapters.kafka.broker_errors import JarsUnresolvedError, NoJavaError, NoMavenError

OLDEST_JAVA = 17

_STAMP = ".resolved-from"


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


def find_java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NoJavaError
    done = run([java, "-version"])
    version = re.search(r'version "(\d+)', done.stderr + done.stdout)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise NoJavaError(found=version[1] if version else java)
    return java


def _fetch_jars(pom: Path, into: Path) -> None:
    find_java()
    maven = shutil.which("mvn")
    if maven is None:
        raise NoMavenError
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    done = run([maven, "--quiet", "--batch-mode", f"--file={pom.resolve()}", *goal])
    if done.returncode != 0:
        raise JarsUnresolvedError(maven_says=_tell_first_error(done.stdout))


def _tell_first_error(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("[ERROR]")]
    return daemon.tell_end("\n".join(errors[:1]) or output)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 no shell, our arguments
