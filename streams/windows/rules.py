"""What the windows go by: how long they are, and from when on something is worth an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain.ticket.facts import Priority

TARGETS = {
    Priority.URGENT: timedelta(hours=4),
    Priority.HIGH: timedelta(hours=8),
    Priority.NORMAL: timedelta(days=1),
    Priority.LOW: timedelta(days=3),
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Durations count from `recorded_at`.

    `kept`: how far back the worker reads when it starts, and after which silence a deal or a ticket is forgotten.
    `late`: what arose longer ago sets off no alert any more.
    """

    activity: timedelta = timedelta(hours=1)
    targets: Mapping[Priority, timedelta] = field(default_factory=lambda: TARGETS)
    at_risk_from: float = 0.8  # of the target
    complaint_categories: frozenset[str] = frozenset({"complaint", "damage"})
    complaints: int = 5
    complaints_within: timedelta = timedelta(minutes=10)
    kept: timedelta = timedelta(days=30)
    late: timedelta = timedelta(days=1)
