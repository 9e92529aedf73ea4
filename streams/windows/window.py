"""What a window is: facts of one department go in, in the order of their partition; alerts and rows come out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from streams.shares import Share
from streams.windows.alerts import Raised

Row = Mapping[str, Any]


class Window(Protocol):
    """Whatever order the partitions come in, the same facts raise the same alerts.

    `types`: the facts it wants; `key`: the column that names a row.
    """

    @property
    def name(self) -> str: ...
    @property
    def department(self) -> str: ...
    @property
    def types(self) -> Collection[str]: ...
    @property
    def key(self) -> str: ...

    def take(self, share: Share) -> Iterable[Raised]:
        """A fact that was not taken before; alerts that must have arisen before it."""
        ...

    def judge(self, until: datetime) -> Iterable[Raised]:
        """Alerts that have arisen up to then; no fact recorded before it is still on its way."""
        ...

    def rows(self, now: datetime) -> Iterable[Row]: ...
