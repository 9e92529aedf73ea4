"""Without a collector nothing of OpenTelemetry's exporter is loaded, and nobody watches appends, records or folds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy import wiring
from deploy.settings import Settings
from tests.conftest import Databases

ROOT = Path(__file__).parents[2]
LOADS = """
import sys, deploy.operations, deploy.api, deploy.kafka_parts
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
"""


def test_nothing_is_loaded_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_nobody_watches(databases: Databases, tmp_path: Path) -> None:
    places = wiring.Databases(databases.owner, databases.app, databases.keys_owner, databases.keys_app)
    with wiring.Installation(Settings(home=tmp_path), databases=places) as installation:
        assert installation.tracing is None
        assert installation.executor._desk.ledger is installation.ledger
