"""Gauges tell what `relato status` tells, and nothing of a part that never ran."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.cli.overview import Overview, ServiceOverview
from deploy.readings import readings_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDLE = Overview(
    position=0,
    services=[],
    relay=None,
    relay_behind=None,
    eraser=None,
    checkpoint_size=0,
    checkpoint_at=None,
    uncovered=0,
)
SALES = ServiceOverview(
    service="sales", workers=1, behind=7, parked=2, oldest_parked=NOW - timedelta(seconds=90), stopped=[]
)


def found(overview: Overview) -> dict[str, float]:
    return {reading.name: reading.value for reading in readings_of(overview, NOW)}


def test_what_never_ran_has_no_reading() -> None:
    assert found(IDLE) == {"relato_ledger_position": 0, "relato_uncovered_facts": 0}


def test_refused_events_are_told_while_some_are_held() -> None:
    assert found(IDLE.model_copy(update={"refused_events": 3}))["relato_refused_events"] == 3


def test_ages_are_in_seconds_and_lags_in_facts() -> None:
    busy = IDLE.model_copy(
        update={
            "services": [SALES],
            "relay": 40,
            "relay_behind": 2,
            "checkpoint_at": NOW - timedelta(seconds=3),
        }
    )
    told = found(busy)
    assert told["relato_oldest_parked_seconds"] == 90
    assert told["relato_lag_facts"] == 7
    assert told["relato_parked_facts"] == 2
    assert told["relato_relay_lag_facts"] == 2
    assert told["relato_checkpoint_age_seconds"] == 3
