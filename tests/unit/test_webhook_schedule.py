"""What an answer to a webhook comes to: taken, tried again, or given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from streams.webhooks.schedule import PAUSES_S, WELL, Answer, GivenUp, Health, after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY_S = 86_400
FAILED = Answer(500)


def pause_s(health: Health | GivenUp) -> float:
    assert isinstance(health, Health)
    assert health.due
    return (health.due - NOW).total_seconds()


def judged(answer: Answer, health: Health = WELL, jitter: float = 0.0) -> Health | GivenUp:
    return after(health, answer, NOW, lambda: jitter)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_any_2xx_takes_and_makes_well_again(code: int) -> None:
    assert judged(Answer(code), Health(5, NOW, NOW, "answered 500")) == WELL


@pytest.mark.parametrize("code", [100, 101, 199, 300, 301, 302, 307, 308, 400, 401, 404, 409, 500, 502, 504, 999])
def test_anything_else_is_a_failure_redirects_too(code: int) -> None:
    health = judged(Answer(code))
    assert pause_s(health) == 5
    assert isinstance(health, Health)
    assert (health.failures, health.since, health.reason) == (1, NOW, f"answered {code}")


def test_it_is_tried_ten_times_by_the_schedule_and_then_given_up() -> None:
    health, at, pauses = WELL, NOW, list[float]()
    while not isinstance(found := after(health, Answer(None, "no answer within 15 s"), at, lambda: 0.0), GivenUp):
        assert found.due
        pauses.append((found.due - at).total_seconds())
        health, at = found, found.due
    assert pauses == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, DAY_S]
    assert found.reason == "failed 10 times since 2026-03-01 12:00 UTC: no answer within 15 s"


def test_jitter_makes_a_pause_longer_by_a_tenth_at_most() -> None:
    assert pause_s(judged(FAILED, jitter=0.5)) == pytest.approx(5.25)
    assert pause_s(judged(FAILED, Health(8, NOW), jitter=0.999)) < DAY_S * 1.1


def test_until_it_is_due_an_endpoint_is_left_alone() -> None:
    health = judged(FAILED)
    assert isinstance(health, Health)
    assert health.wait_s(NOW) == 5
    assert health.wait_s(NOW + timedelta(seconds=6)) == 0
    assert WELL.wait_s(NOW) == 0


def test_who_answers_gone_is_given_up_at_once() -> None:
    assert judged(Answer(410)) == GivenUp("answered 410: it wants no more")


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120),
        ("0", 1),
        ("99999999999999999999", DAY_S),
        (format_datetime(NOW + timedelta(minutes=10), usegmt=True), 600),
        (format_datetime(NOW - timedelta(minutes=10), usegmt=True), 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY_S),
        ("soon", 5),
        ("-5", 5),
        ("", 5),
        ("1e9", 5),
        ("٣", 5),
    ],
)
def test_who_says_when_to_come_again_is_heard_within_bounds(code: int, told: str, seconds: float) -> None:
    assert pause_s(judged(Answer(code, retry_after=told))) == pytest.approx(seconds)


def test_retry_after_is_heard_from_who_is_busy_only() -> None:
    assert pause_s(judged(Answer(500, retry_after="1000"))) == 5


def test_who_says_when_to_come_again_uses_up_the_time_but_not_the_attempts() -> None:
    health, at = WELL, NOW
    for _ in range(50):
        found = after(health, Answer(429, retry_after="60"), at, lambda: 0.0)
        assert isinstance(found, Health)
        assert found.due
        health, at = found, found.due
    assert (health.failures, health.since) == (0, NOW)
    much_later = NOW + timedelta(seconds=sum(PAUSES_S) * 1.2)
    assert isinstance(after(health, Answer(429, retry_after="60"), much_later, lambda: 0.0), GivenUp)
