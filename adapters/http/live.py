"""Alerts and live windows, as the API needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from streams.windows.alerts import Told


class Noted(Protocol):
    """An alert, and which record of its topic it is."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def told(self) -> Told: ...


class LiveTopics(Protocol):
    """Raises UnavailableError."""

    def alerts(self) -> Sequence[Noted]:
        """Of the last day, in the order they came."""
        ...

    def rows(self, window: str, department: str) -> tuple[str | None, Mapping[str, Mapping[str, Any]]]:
        """When they were right last, and the rows by key."""
        ...
