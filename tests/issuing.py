"""A program that gives commands with known ids and writes down each one that was acknowledged, until it is killed.

`python -m tests.issuing PLAN`: a JSON file that names databases, master key, customers, seed, count, threads and the
file of acknowledgements.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from domain.decider import Command
from domain.errors import UnavailableError
from domain.execute import Context
from tests.backend import Backend, order

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Plan:
    app: str
    keys_app: str
    master: str
    customers: Sequence[str]
    seed: int
    count: int
    threads: int
    acknowledged: str

    def command(self, n: int) -> tuple[Command, Context]:
        """The n-th command: one fact on a customer that others write to as well, with a value to seal."""
        customer_id = self.customers[n % len(self.customers)]
        need = {"need": f"need {self.seed}/{n}", "note": f"said in confidence {self.seed}/{n}"}
        return order("customer.note_need", customer_id=customer_id, **need), Context(self.command_id(n), "issuer")

    def command_id(self, n: int) -> UUID:
        return UUID(int=self.seed << 64 | n)

    def command_ids(self) -> list[UUID]:
        return [self.command_id(n) for n in range(self.count)]

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """This program as a process of its own; whoever starts it stops it."""
        file = folder / f"plan-{self.seed}.json"
        file.write_text(json.dumps(asdict(self)))
        return subprocess.Popen([sys.executable, "-m", "tests.issuing", file], cwd=ROOT)

    def read_acknowledged(self) -> list[UUID]:
        """Whole lines only: the last one may have been cut off by the kill."""
        text = Path(self.acknowledged).read_text() if Path(self.acknowledged).exists() else ""
        return [UUID(line) for line in text.split("\n")[:-1]]


def issue(plan: Plan) -> None:
    """Every command that was not acknowledged yet; while the ledger is away it is asked again, with the same id."""
    done = set(plan.read_acknowledged())
    log = os.open(plan.acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with Backend.open(plan.app, plan.keys_app, plan.master) as backend, ThreadPoolExecutor(plan.threads) as pool:

        def give(n: int) -> None:
            command, context = plan.command(n)
            while True:
                try:
                    outcome = backend.executor.execute(command, context)
                    break
                except UnavailableError:
                    continue
            assert len(outcome.places) == 1
            os.write(log, f"{context.command_id}\n".encode())

        list(pool.map(give, [n for n in range(plan.count) if plan.command_id(n) not in done]))
    os.close(log)


if __name__ == "__main__":
    issue(Plan(**json.loads(Path(sys.argv[1]).read_text())))
