"""A time that nobody could read back is refused in every command, and read where an older release stored it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from domain.access.facts import KeyIssued
from domain.catalogue import REGISTRY
from domain.fact import Fact
from domain.moments import FIRST, LAST, Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
BEYOND = [
    *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "0026-03-01T00:00:00Z", "1899-12-31T23:59:59Z"),
    *("9999-12-31T00:00:01Z", "9999-12-31T23:59:59-14:00"),
]
NO_TIMES = ["2026", "-5", "1.5", "1e3", "nan", 2026, -5, 1.5, "2026-03-01", "2026-03-01T12:00:00"]


@pytest.mark.parametrize("told", [*BEYOND, *NO_TIMES])
def test_what_cannot_be_told_or_is_no_time_with_its_zone_is_refused(told: object) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(told)


@pytest.mark.parametrize("told", [FIRST, LAST, "1997-01-01T00:00:00+14:00", "2026-03-01T12:00:00Z"])
def test_any_other_is_taken_and_can_be_shown_in_every_zone(told: Any) -> None:
    time = MOMENT.validate_python(told)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert time.astimezone(ZoneInfo(zone)) == time


@pytest.mark.parametrize("stored", BEYOND)
def test_a_fact_that_an_older_release_stored_is_read_with_the_nearest_time(stored: str) -> None:
    content = f'{{"hash": "{"0" * 64}", "expires_at": "{stored}"}}'
    fact = KeyIssued.revive(content.encode())
    assert fact.expires_at is not None
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert fact.expires_at.astimezone(ZoneInfo(zone)) == fact.expires_at
    assert abs(fact.expires_at - datetime.fromisoformat(stored)).days <= 2


def test_every_time_of_a_command_or_a_fact_is_such_a_one() -> None:
    commands = [registration.command for registration in REGISTRY]
    for model in (*commands, *Fact.types.values()):
        for name, annotation in _annotations(model):
            loose = annotation is datetime or annotation is AwareDatetime
            assert not loose, f"{model.__name__}.{name}: make it a Moment"


def _annotations(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        is_moment = any(part in get_args(Moment) for part in field.metadata)
        for part in () if is_moment else _parts(field.annotation):
            yield name, part
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _annotations(part)


def _parts(annotation: Any) -> Iterator[Any]:
    """Of unions and tuples; a Moment within them is whole."""
    if annotation == Moment:
        return
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
