"""The company's year: working days, seasons, and moments in its time zone.

A moment is a whole second of local time since the year began; nothing happens at night, when clocks change.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

HOUR, DAY = 3600, 86_400
OPENS, CLOSES = 9 * HOUR, 18 * HOUR
SHOP_OPENS, SHOP_CLOSES = 8 * HOUR, 23 * HOUR

WEEKDAYS = (1.0, 1.1, 1.1, 1.05, 0.95, 0.35, 0.15)
MONTHS = (0.85, 0.9, 1.0, 1.0, 1.05, 1.0, 0.85, 0.6, 1.1, 1.1, 1.25, 1.5)
HOLIDAYS = {(1, 1), (4, 25), (5, 1), (6, 10), (8, 15), (10, 5), (11, 1), (12, 1), (12, 8), (12, 25)}
BETWEEN_THE_YEARS = {(12, 24), (12, 26), (12, 27), (12, 28), (12, 29), (12, 30), (12, 31)}
QUIET = 0.4
SATURDAY, SUNDAY = 5, 6


class Calendar:
    """Days are counted from 0, the first of January."""

    def __init__(self, year: int, time_zone: str) -> None:
        first, after = date(year, 1, 1), date(year + 1, 1, 1)
        self.days = tuple(first + timedelta(days=n) for n in range((after - first).days))
        zone = ZoneInfo(time_zone)
        # one offset a day, that of noon
        self._midnights = tuple(
            datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC) - timedelta(hours=12)
            for day in self.days
        )
        self._starts_ms = tuple(int(midnight.timestamp()) * 1000 for midnight in self._midnights)
        weights = tuple(accumulate(_weight(day) for day in self.days))
        self._shares = tuple(weight / weights[-1] for weight in weights)
        self.end = len(self.days) * DAY

    def share(self, day: int) -> float:
        """How much of the year's business is done by the end of the day, from 0 to 1."""
        return self._shares[day]

    def utc(self, moment: int) -> datetime:
        day, second = divmod(moment, DAY)
        return self._midnights[day] + timedelta(seconds=second)

    def unix_ms(self, moment: int) -> int:
        day, second = divmod(moment, DAY)
        return self._starts_ms[day] + second * 1000

    def date(self, moment: int) -> date:
        return self.days[0] + timedelta(days=moment // DAY)

    def office(self, moment: int, rng: Random) -> int:
        """The moment itself if the office is open then, else one soon after it opens again."""
        day, second = divmod(moment, DAY)
        if second < CLOSES and self._is_working(day):
            return moment if second >= OPENS else day * DAY + OPENS + rng.randrange(HOUR)
        day += 1
        while not self._is_working(day):
            day += 1
        return day * DAY + OPENS + rng.randrange(4 * HOUR)

    def shop(self, moment: int, rng: Random) -> int:
        """The moment itself by day and in the evening, else one on the morning that follows."""
        day, second = divmod(moment, DAY)
        if SHOP_OPENS <= second < SHOP_CLOSES:
            return moment
        return (day if second < SHOP_OPENS else day + 1) * DAY + SHOP_OPENS + rng.randrange(3 * HOUR)

    def _is_working(self, day: int) -> bool:
        if day >= len(self.days):
            return True
        found = self.days[day]
        return found.weekday() < SATURDAY and (found.month, found.day) not in HOLIDAYS


def _weight(day: date) -> float:
    place = (day.month, day.day)
    weekday = SUNDAY if place in HOLIDAYS else day.weekday()
    return WEEKDAYS[weekday] * MONTHS[day.month - 1] * (QUIET if place in BETWEEN_THE_YEARS else 1.0)
