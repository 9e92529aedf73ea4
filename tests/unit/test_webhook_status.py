"""What `relato status` and the gauges say of endpoints."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from adapters.cli.overview import EndpointOverview, Overview
from adapters.cli.status import _print
from deploy.readings import readings_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WELL = EndpointOverview(
    endpoint_id=UUID(int=1), agreement_id=UUID(int=9), state="active", behind=2, since=None, reason=""
)
GONE = WELL.model_copy(update={"endpoint_id": UUID(int=2), "state": "disabled", "behind": 7, "reason": "answered 410"})


def overview(*endpoints: EndpointOverview) -> Overview:
    return Overview(
        position=9, services=[], relay=None, relay_behind=None, eraser=None, checkpoint_size=9, checkpoint_at=None,
        uncovered=0, endpoints=list(endpoints),
    )  # fmt: skip


def test_endpoints_that_fail_or_are_disabled_are_named_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    _print(overview(WELL, GONE))
    told = capsys.readouterr().out
    assert "webhooks    2 endpoints, 9 behind\n" in told
    assert f"{GONE.endpoint_id} disabled, 7 behind: answered 410" in told
    assert str(WELL.endpoint_id) not in told


def test_where_there_are_none_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    _print(overview())
    assert "webhooks" not in capsys.readouterr().out


def test_each_endpoint_has_a_gauge_of_its_lag_and_one_of_its_trouble() -> None:
    readings = [(one.name, one.value) for one in readings_of(overview(WELL, GONE), NOW) if "webhook" in one.name]
    assert readings == [
        ("relato_webhook_lag_entries", 2),
        ("relato_webhook_troubled", 0),
        ("relato_webhook_lag_entries", 7),
        ("relato_webhook_troubled", 1),
    ]
