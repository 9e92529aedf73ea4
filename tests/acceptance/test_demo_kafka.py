"""The demonstration through a real broker: what is seen is what is seen without it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.acceptance.program import Relato

pytestmark = pytest.mark.kafka

LONGEST_S = 240


def digest(relato: Relato, *arguments: str) -> dict[str, Any]:
    environment = relato.environment | {"TMPDIR": str(relato.folder)}
    command = relato.command("demo", "--json", *arguments)
    found = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=LONGEST_S)
    told: dict[str, Any] = json.loads(found.stdout)
    return told


@pytest.mark.timeout(2 * LONGEST_S)
def test_both_ways_every_view_of_every_audience_is_the_same_before_and_after_the_erasure(fresh: Relato) -> None:
    from_ledger, through_kafka = digest(fresh), digest(fresh, "--kafka")
    for sight in ("before", "after"):
        views = {
            name: (view, through_kafka[sight]["views"][name]) for name, view in from_ledger[sight]["views"].items()
        }
        assert {name: pair for name, pair in views.items() if pair[0] != pair[1]} == {}
    assert through_kafka == from_ledger
    assert list(fresh.folder.iterdir()) == []
