"""A program that rotates the master key and is killed by itself at the moment given, as by kill -9.

`python -m tests.rotating PLAN`: a JSON file that names the key database's owner, the master key's file and the moment.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

from adapters.keys import rotation
from adapters.keys.master import replace_keys
from adapters.keys.rotation import rotate
from adapters.postgres import wrapped_keys
from adapters.postgres.wrapped_keys import PostgresWrappedKeys
from tests.erasing import ROOT, die

LOT = 10


@dataclass(frozen=True)
class Plan:
    keys_owner: str
    file: str
    moment: str

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """This program as a process of its own; whoever starts it stops it."""
        plan = folder / "rotating.json"
        plan.write_text(json.dumps(asdict(self)))
        return subprocess.Popen([sys.executable, "-m", "tests.rotating", plan], cwd=ROOT)


class Mortal(PostgresWrappedKeys):
    moment = ""

    def name_master(self, name: bytes) -> None:
        self.at("before the name")
        super().name_master(name)
        self.at("after the name")

    def rewrap(self, rewrap: Callable[[bytes, bytes], bytes | None]) -> int:
        lots = iter(range(2 * LOT + LOT // 2))

        def rewrapped(wrapped: bytes, use: bytes) -> bytes | None:
            if next(lots, None) is None:
                self.at("amid the keys")
            return rewrap(wrapped, use)

        count = super().rewrap(rewrapped)
        self.at("after the keys")
        return count

    def at(self, moment: str) -> None:
        if self.moment == moment:
            die()


def run(plan: Plan) -> None:
    def replace_and_die(path: Path, keys: list[bytes]) -> None:
        replace_keys(path, keys)
        if plan.moment == "after the old one is kept" and path != Path(plan.file):
            die()

    with (
        patch.object(wrapped_keys, "LOT", LOT),
        patch.object(rotation, "replace_keys", replace_and_die),
        Mortal(plan.keys_owner) as keys,
    ):
        keys.moment = plan.moment
        rotate(Path(plan.file), keys)


if __name__ == "__main__":
    run(Plan(**json.loads(Path(sys.argv[1]).read_text())))
