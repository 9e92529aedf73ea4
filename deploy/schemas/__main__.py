"""Writes the schemas (`make schemas`), or checks that the kept ones are current and nothing breaks (`make check`)."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from deploy.schemas.facts import published, published_alerts
from deploy.schemas.kept import require_current, write
from domain import catalogue
from domain.errors import RelatoError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "schemas"


def main(arguments: list[str]) -> int:
    try:
        _run(arguments)
    except RelatoError as error:
        print(f"relato: {error}", file=sys.stderr)  # noqa: T201 a command of its own
        return 1
    return 0


def _run(arguments: list[str]) -> None:
    assert catalogue.REGISTRY  # imported, it has registered every type
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    written = published() | published_alerts()
    match arguments:
        case ["write"]:
            for name in write(FOLDER, version, written):
                print(f"wrote {name}")  # noqa: T201 a command of its own
        case ["check"]:
            require_current(FOLDER, version, written)
        case _:
            raise RelatoError("say `python -m deploy.schemas write` or `python -m deploy.schemas check`")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
