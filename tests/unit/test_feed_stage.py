"""The parts that the demonstration runs beside itself: all of them end with it, and none fails unheard."""

from __future__ import annotations

from threading import Event as Flag

import pytest

from deploy.feed_stage import Cast
from domain.errors import UnavailableError


def test_all_parts_are_told_to_stop_and_waited_for() -> None:
    ended: list[str] = []

    def part(stop: Flag) -> None:
        stop.wait(10)
        ended.append("so")

    cast = Cast([part, part])
    cast.check()
    cast.end()
    assert ended == ["so", "so"]


def test_what_a_part_failed_with_is_raised_where_it_is_waited_for() -> None:
    failed = Flag()

    def part(_: Flag) -> None:
        failed.set()
        raise UnavailableError("no port")

    cast = Cast([part])
    assert failed.wait(10)
    cast.end()
    with pytest.raises(UnavailableError, match="no port"):
        cast.check()
