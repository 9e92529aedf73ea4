"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg

from adapters.kafka.broker_errors import NoJavaError
from adapters.kafka.jars import find_java, run

LIBRARIES = ("psycopg", "eventsourcing", "kafka-python", "crc32c", "pydantic", "pydantic_core", "cryptography")
JARS = Path(__file__).parents[1] / "deploy" / "kafka" / "jars"


def describe_machine() -> dict[str, str]:
    """`load` is the load average of the last minute: near 0, or the figures are worth little."""
    return {
        "cpu": f"{os.cpu_count()} cores of {_cpu()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "kafka": _kafka(),
        "java": _java(),
        **{library: version(library) for library in LIBRARIES},
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def describe_server(dsn: str) -> dict[str, str]:
    """PostgreSQL's version, and the settings that decide what durable means."""
    with psycopg.connect(dsn) as db:
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method")
        return {f"postgresql {name}": str(db.execute(f"show {name}").fetchone()[0]) for name in names}  # type: ignore[index] # IDX a setting shows one row


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _kafka() -> str:
    found = [jar.stem.rpartition("-")[2] for jar in JARS.glob("kafka-clients-*.jar")]
    return found[0] if found else "not resolved"


def _java() -> str:
    try:
        told = run([find_java(), "-version"])
    except NoJavaError:
        return "none"
    return (told.stderr or told.stdout).splitlines()[0]
