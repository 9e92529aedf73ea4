"""What `relato status` says of read models that do not go on."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from adapters.cli.overview import Overview, PartnerTopicOverview, ServiceOverview, StoppedModel
from adapters.cli.status import _print
from adapters.cli.up import _in_short

STOPPED = StoppedModel(read_model="pipeline", since=datetime(2026, 3, 1, 12, tzinfo=UTC), reason="Mend its fold.")


def overview(*stopped: StoppedModel) -> Overview:
    sales = ServiceOverview(service="sales", workers=1, behind=7, parked=2, stopped=list(stopped))
    return Overview(
        position=9,
        services=[sales],
        relay=None,
        relay_behind=0,
        eraser=None,
        checkpoint_size=9,
        checkpoint_at=None,
        uncovered=0,
    )


def test_a_read_model_that_the_breaker_stopped_is_named_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    _print(overview(STOPPED))
    told = capsys.readouterr().out
    assert "sales.pipeline stopped since 2026-03-01T12:00:00+00:00: Mend its fold." in told
    assert "sales\t1\t7\t2\t1" in told


def test_where_nothing_is_stopped_nothing_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    _print(overview())
    assert "since" not in capsys.readouterr().out
    assert _in_short(overview()) == "position 9, read models 7 behind, 2 parked, signed up to 9"


def test_refused_events_of_partners_are_named_with_the_command_that_lists_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _print(overview().model_copy(update={"refused_events": 2}))
    assert "2 events of partners were refused; `relato inbound list`" in capsys.readouterr().out


def test_the_short_line_points_to_the_reason() -> None:
    assert "2 parked, 1 stopped (`relato status` says why), signed" in _in_short(overview(STOPPED))


def test_a_partners_topic_is_told_with_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    topic = PartnerTopicOverview(name="crm.partner.olaria.v1", agreement_id=UUID(int=1), sent=7, behind=2)
    _print(overview().model_copy(update={"partner_topics": [topic]}))
    assert "crm.partner.olaria.v1\t7\t2" in capsys.readouterr().out
