"""Who guesses keys is stopped for a while, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Scope

from adapters.http.admission import REMEMBERED, Admission, Guesses, Rate, address_of
from adapters.http.errors import GuessingError, TooManyError, UnauthenticatedError
from adapters.http.principal import Principal

MINE, THEIRS = "198.51.100.7", "203.0.113.9"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """Authenticate, that counts how often it is asked."""

    def __init__(self) -> None:
        self.opening, self.asked = {b"good", b"other"}, 0

    async def __call__(self, scope: Scope) -> Principal:
        self.asked += 1
        header = dict(scope["headers"]).get(b"authorization")
        if header not in self.opening:
            raise UnauthenticatedError
        return Principal(header.decode(), frozenset())


class Door:
    def __init__(self, per_minute: int = 3) -> None:
        self.clock, self.keys = Clock(), Keys()
        self._admission = Admission(self.keys, None, Guesses(per_minute, self.clock))

    def knock(self, header: bytes | None, host: str = THEIRS) -> str:
        headers = [] if header is None else [(b"authorization", header)]
        scope: dict[str, Any] = {"type": "http", "headers": headers, "client": (host, 1)}
        return asyncio.run(self._admission(scope)).id

    def guess(self, times: int, host: str = THEIRS) -> list[type[Exception]]:
        found: list[type[Exception]] = []
        for n in range(times):
            try:
                self.knock(b"wrong %d" % n, host)
            except (UnauthenticatedError, TooManyError) as error:
                found.append(type(error))
        return found


def test_after_so_many_wrong_keys_none_is_tried_from_that_address() -> None:
    door = Door()
    assert door.guess(5) == [UnauthenticatedError] * 3 + [GuessingError] * 2
    assert door.keys.asked == 3
    with pytest.raises(GuessingError) as raised:
        door.knock(b"other")
    assert raised.value.retry_after_s == 20


def test_another_address_and_a_caller_who_is_known_are_not_hindered() -> None:
    door = Door()
    assert door.knock(b"good") == "good"
    door.guess(10)
    assert door.knock(b"good") == "good"
    assert door.knock(b"other", MINE) == "other"


def test_after_a_while_keys_are_tried_again() -> None:
    door = Door()
    door.guess(4)
    door.clock.now = 20.0
    assert door.guess(2) == [UnauthenticatedError, GuessingError]
    door.clock.now = 40.0
    assert door.knock(b"other") == "other"


def test_a_key_that_opens_no_more_is_a_guess_like_any_other() -> None:
    door = Door(per_minute=1)
    door.knock(b"good")
    door.keys.opening.clear()
    for expected in (UnauthenticatedError, GuessingError):
        with pytest.raises(expected):
            door.knock(b"good")


def test_who_shows_no_key_guesses_none() -> None:
    door = Door()
    for _ in range(10):
        with pytest.raises(UnauthenticatedError):
            door.knock(None)
    assert door.knock(b"good") == "good"


def test_no_more_addresses_are_remembered_than_memory_is_meant_for() -> None:
    rate = Rate(1.0)
    for n in range(3 * REMEMBERED):
        rate.take(str(n))
    assert len(rate._buckets._young) + len(rate._buckets._old) <= 2 * REMEMBERED + 2


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_an_address_of_ipv6_counts_as_its_network(host: str, expected: str) -> None:
    assert address_of({"type": "http", "client": (host, 1)}) == expected
