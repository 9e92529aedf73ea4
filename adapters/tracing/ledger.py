"""A ledger whose appends are told as spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from adapters.tracing.tracing import Tracing
from domain.event import Event
from domain.ports import Append, Found, Ledger, Place


class TracedLedger(Ledger):
    """Only what was written is told: a command's id makes it one span, however often it was tried."""

    def __init__(self, ledger: Ledger, tracing: Tracing) -> None:
        self._ledger, self._tracing = ledger, tracing

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        began_ns = time.time_ns()
        places = self._ledger.append(append, timeout_s=timeout_s)
        self._tracing.tell_append(append.writes, places, began_ns, time.time_ns())
        return places

    def submit(
        self, append: Append, notify: Callable[[], None], *, timeout_s: float = 30.0
    ) -> Callable[[], Sequence[Place]]:
        began_ns, ended_ns = time.time_ns(), 0

        def note() -> None:
            nonlocal ended_ns
            ended_ns = time.time_ns()
            notify()

        result = self._ledger.submit(append, note, timeout_s=timeout_s)

        def answer() -> Sequence[Place]:
            places = result()
            self._tracing.tell_append(append.writes, places, began_ns, ended_ns)
            return places

        return answer

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        return self._ledger.load(stream_ids)

    def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]:
        return self._ledger.find_commands(command_ids)
