"""`make bench`: every benchmark in a process of its own, one after the other; the results are kept as JSON."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
# In the order of the table.
MODULES = (
    "decide",
    "append",
    "bulk",
    "importing",
    "relaying",
    "folding",
    "feeding",
    "feed_backfill",
    "feed_latency",
    "service",
    "rebuilding",
    "latency",
    "history",
    "streaming",
    "checkpoints",
    "serving",
    "following",
    "restarting",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a try: seconds each, its figures mean nothing, none kept")
    parser.add_argument(
        "--only", nargs="+", choices=MODULES, default=MODULES, metavar="MODULE", help=", ".join(MODULES)
    )
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="relato-bench-") as folder:
        found = [_run(name, Path(folder), quick=asked.quick) for name in asked.only]
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")
    if not asked.quick:
        print(f"kept in {_keep(found)}; `python -m benchmarks.report` makes docs/performance.md of it")
    if any("failed" in part for part in found):
        sys.exit(1)


def _run(name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    print(f"== {name}", flush=True)
    out = folder / f"{name}.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--out", str(out), *(["--quick"] if quick else [])]
    status = subprocess.run(command, check=False).returncode
    if status != 0 or not out.exists():
        return {"module": name, "failed": f"ended with status {status}", "figures": []}
    return {"module": name, **json.loads(out.read_text())}


def _keep(found: list[dict[str, Any]]) -> Path:
    """A run of some modules replaces their part of the same day's results, and keeps the rest."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.json"
    parts = {part["module"]: part for part in json.loads(path.read_text())} if path.exists() else {}
    parts |= {part["module"]: part for part in found}
    path.write_text(json.dumps([parts[name] for name in MODULES if name in parts], indent=1, ensure_ascii=False) + "\n")
    return path


if __name__ == "__main__":
    main()
