"""A program that carries out erasures and is killed by itself at the moment given, as by kill -9.

`python -m tests.erasing PLAN`: a JSON file that names databases, master key and moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from adapters.postgres.erasures import PostgresErasures
from streams.eraser import Eraser
from tests.backend import Backend

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Plan:
    app: str
    keys_app: str
    master: str
    moment: str

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """This program as a process of its own; whoever starts it stops it."""
        file = folder / "erasing.json"
        file.write_text(json.dumps(asdict(self)))
        return subprocess.Popen([sys.executable, "-m", "tests.erasing", file], cwd=ROOT)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def erase(plan: Plan) -> None:
    with Backend.open(plan.app, plan.keys_app, plan.master) as backend:
        erasures, destroy = PostgresErasures(plan.app), backend.vault.erase

        class Keys:
            """The vault; dies before or after it destroys keys when that is the moment."""

            derive_id, seal, open = backend.vault.derive_id, backend.vault.seal, backend.vault.open
            fingerprint, seal_at_once = backend.vault.fingerprint, backend.vault.seal_at_once

            def erase(self, person_ids: Sequence[UUID]) -> None:
                if plan.moment == "before the keys":
                    die()
                destroy(person_ids)
                if plan.moment == "after the keys":
                    die()

        class Erasures:
            """The ledger's erasures; dies instead of recording that one is done when that is the moment."""

            pending, identified_as = erasures.pending, erasures.identified_as

            def done(self, position: int) -> None:
                if plan.moment == "after the aliases":
                    die()
                erasures.done(position)

        Eraser(Erasures(), Keys(), backend.executor).run_once()
        erasures.close()


if __name__ == "__main__":
    erase(Plan(**json.loads(Path(sys.argv[1]).read_text())))
