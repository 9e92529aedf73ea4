"""What an answer comes to: when an endpoint is tried again, and when it is given up. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

MINUTE_S, HOUR_S = 60, 3_600
# of Standard Webhooks; the first attempt is made at once
PAUSES_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, *(hours * HOUR_S for hours in (2, 5, 10, 14, 20, 24)))
ATTEMPT_S = 15.0  # until an attempt's status is there
JITTER = 0.1  # so much longer at most, so that those who failed together do not come again together
SHORTEST_S, LONGEST_S = 1.0, 24.0 * HOUR_S  # of what an endpoint asks for
PATIENCE = timedelta(seconds=sum(PAUSES_S) * (1 + JITTER))
OK, NO_MORE, GONE, TOO_MANY, AWAY = 200, 300, 410, 429, 503

Draw = Callable[[], float]
"""From 0 up to 1."""


class Answer(NamedTuple):
    """What came of an attempt; without a `status` there was no answer, and `reason` says why."""

    status: int | None
    reason: str = ""
    retry_after: str | None = None
    took_ms: int = 0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and OK <= self.status < NO_MORE

    @property
    def told(self) -> str:
        return self.reason if self.status is None else f"answered {self.status}"


class Health(NamedTuple):
    """How an endpoint does: `failures` in a row since `since`, and not before `due` is it tried again.

    Until then nothing is sent to it, then one message: that is its circuit breaker.
    """

    failures: int = 0
    since: datetime | None = None
    due: datetime | None = None
    reason: str = ""

    def wait_s(self, now: datetime) -> float:
        return max(0.0, (self.due - now).total_seconds()) if self.due else 0.0


WELL = Health()


class GivenUp(NamedTuple):
    """The endpoint is to be disabled."""

    reason: str


def after(health: Health, answer: Answer, now: datetime, draw: Draw) -> Health | GivenUp:
    """Who says itself when to come again does not use up the schedule, but all of its time."""
    if answer.is_taken:
        return WELL
    if answer.status == GONE:
        return GivenUp("answered 410: it wants no more")
    since = health.since or now
    if (asked_s := _asked_s(answer, now)) is not None:
        failures, pause_s = health.failures, asked_s
        if now - since > PATIENCE:
            return GivenUp(f"failed since {since:%Y-%m-%d %H:%M} UTC: {answer.told}")
    elif health.failures < len(PAUSES_S):
        failures, pause_s = health.failures + 1, PAUSES_S[health.failures]
    else:
        return GivenUp(f"failed {health.failures + 1} times since {since:%Y-%m-%d %H:%M} UTC: {answer.told}")
    return Health(failures, since, now + timedelta(seconds=pause_s * (1 + JITTER * draw())), answer.told)


def _asked_s(answer: Answer, now: datetime) -> float | None:
    """How long the endpoint asks to be left alone, within bounds."""
    if answer.status not in (TOO_MANY, AWAY) or answer.retry_after is None:
        return None
    seconds = _seconds(answer.retry_after.strip(), now)
    return None if seconds is None else min(max(seconds, SHORTEST_S), LONGEST_S)


def _seconds(text: str, now: datetime) -> float | None:
    """Of a Retry-After, which has seconds or a date; what has neither is as if there were none."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
