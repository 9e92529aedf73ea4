"""A figure: what was measured, on every side and in every round, beside what it has to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

TIMES = "\N{MULTIPLICATION SIGN}"

Sides = Mapping[str, Sequence[float]]  # by side, one value a round


class Figure(BaseModel):
    """`values` are the rounds' results, in `unit`; `sides` are what they come from, `how` says what each side does."""

    model_config = ConfigDict(frozen=True)

    what: str
    against: str
    unit: str
    target: float | None = None
    is_most: bool = False  # the target is the most it may be, not the least
    values: Sequence[float]
    sides: Mapping[str, Sequence[float]] = Field(default_factory=dict)
    how: str = ""

    @property
    def middle(self) -> float:
        return median(self.values)

    @property
    def is_reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.middle <= self.target if self.is_most else self.middle >= self.target


class Missing(BaseModel):
    """A figure that could not be measured here, and why."""

    model_config = ConfigDict(frozen=True)

    what: str
    reason: str


Measured = Sequence[Figure | Missing]


def ratio(
    what: str, against: str, target: float | None, *, ours: str, peer: str, sides: Sides, how: str = ""
) -> Figure:
    """Ours by the peer's, round by round."""
    values = [round(a / b, 3) for a, b in zip(sides[ours], sides[peer], strict=True)]
    shown = {name: sides[name] for name in (ours, peer)}
    return Figure(what=what, against=against, unit=TIMES, target=target, values=values, sides=shown, how=how)
