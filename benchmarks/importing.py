"""`relato import online-retail` and `cdnow`, end to end from the file as it is published into facts."""

from __future__ import annotations

import time
from pathlib import Path

from adapters.importers import run
from benchmarks.figures import Figure, Measured, Missing
from benchmarks.harness import Scratch, main, take_turns

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = {
    "online-retail": DATA / "uci_online_retail" / "online_retail.csv.xz",
    "cdnow": DATA / "cdnow" / "CDNOW_master.txt",
}
TARGET = 12_000
QUICK_S = 4.0
HOW = (
    "As the command line does it, into an empty installation: read, unpacked and mapped by one process, sealed, decided"
    " and appended by another."
)


def measure(scratch: Scratch) -> Measured:
    rounds = {"online-retail": 1, "cdnow": scratch.count(3, 1)}
    return [_measure(name, rounds[name], quick=scratch.quick) for name in FILES]


def _measure(name: str, rounds: int, *, quick: bool) -> Figure | Missing:
    what = f"relato import {name}, end to end"
    if not FILES[name].exists():
        return Missing(what=what, reason=f"{FILES[name].name} is not beside the repository, in ../shared/data")
    values = take_turns({name: lambda: _import(name, quick=quick)}, rounds)[name]
    return Figure(what=what, against="—", unit="rows/s", target=TARGET, values=values, how=HOW)


def _import(name: str, *, quick: bool) -> float:
    """Rows a second; a try stops after a few seconds."""
    with Scratch(quick=quick) as scratch:
        installation = scratch.installation
        _ = installation.executor
        start = time.perf_counter()
        report = run(
            name,
            FILES[name],
            executor=installation.executor,
            ledger=installation.ledger,
            vault=installation.vault,
            progress=installation.import_progress,
            actor="bench",
            rejects_path=scratch.folder / "rejects.csv",
            stop=lambda: quick and time.perf_counter() - start > QUICK_S,
        )
        return report.rows / (time.perf_counter() - start)


if __name__ == "__main__":
    main(measure)
