"""A group stands still when it has more to read and does not go on, not when it is slow or has nothing to do."""

from __future__ import annotations

from typing import NamedTuple

from deploy.watchdog import SINGLE, Watchdog

PATIENCE_S = 30.0


class Seen(NamedTuple):
    confirmed: int
    end: int


def test_who_has_nothing_to_read_does_not_stand_still() -> None:
    dog = Watchdog(PATIENCE_S)
    assert not any(dog.stands_still({1: Seen(7, 7), 2: Seen(0, 0)}, now_s) for now_s in range(1_000))


def test_who_goes_on_however_slowly_does_not_stand_still() -> None:
    dog = Watchdog(PATIENCE_S)
    assert not any(dog.stands_still({1: Seen(now_s // 20, 1_000)}, now_s) for now_s in range(1_000))


def test_who_has_more_and_does_not_move_for_too_long_stands_still() -> None:
    dog = Watchdog(PATIENCE_S)
    assert not dog.stands_still({1: Seen(7, 7)}, 0)
    assert not dog.stands_still({1: Seen(7, 9)}, 500)
    assert not dog.stands_still({1: Seen(7, 12)}, 530)
    assert dog.stands_still({1: Seen(7, 12)}, 531)
    dog.begin()
    assert not dog.stands_still({1: Seen(7, 12)}, 540)


def test_a_single_partition_may_wait_longer_while_others_go_on_but_not_for_ever() -> None:
    dog = Watchdog(PATIENCE_S)
    still = [now_s for now_s in range(200) if dog.stands_still({1: Seen(now_s, 1_000), 2: Seen(5, 6)}, now_s)]
    assert still[0] == SINGLE * PATIENCE_S + 1
