"""Resolves Apache Kafka's jars beside their pom: `make kafka`."""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.kafka.jars import resolve_jars
from domain.errors import RelatoError

HERE = Path(__file__).parent
POM, JARS = HERE / "pom.xml", HERE / "jars"


def main() -> int:
    try:
        resolve_jars(POM, JARS)
    except RelatoError as error:
        print(f"relato: {error}", file=sys.stderr)  # noqa: T201 a command of its own
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
