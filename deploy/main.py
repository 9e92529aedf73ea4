"""The entry point of the `relato` script."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from adapters.cli.app import run
from adapters.cli.options import Asked

if TYPE_CHECKING:
    from adapters.cli.installation import Deployment


def open_installation(asked: Asked) -> Deployment:
    from deploy.deployment import LocalDeployment  # noqa: PLC0415 help must not wait for PostgreSQL's client to load

    return LocalDeployment(asked)


def main() -> None:
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # a session that breaks, or is interrupted, is raised as well
    sys.exit(run(sys.argv[1:], open_installation, is_debugged=lambda: bool(os.environ.get("RELATO_DEBUG"))))


if __name__ == "__main__":
    main()
