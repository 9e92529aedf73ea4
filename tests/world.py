"""A ledger and a vault in memory with two executors over them, as two processes have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from adapters.ids import uuid7
from adapters.memory.ledger import MemoryLedger
from adapters.memory.vault import memory_vault
from domain.catalogue import REGISTRY
from domain.customer.facts import CustomerStageChanged
from domain.decider import Command
from domain.event import Event
from domain.execute import Context, Executor, Outcome
from domain.fact import Fact
from domain.personal import Sealed
from domain.ports import Append, Place

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


ONE_LINE: dict[str, Any] = {
    "number": "1",
    "currency": "EUR",
    "lines": [{"product_id": uuid7(), "quantity": 1, "amount_minor": 100}],
}
LONG_LINE = {"product_id": uuid7(), "quantity": 10**9, "amount_minor": 10**15, "unit_price": "1" * 15 + "." + "1" * 10}
HUGE = ONE_LINE | {"lines": [LONG_LINE] * 2_000}


class WatchedLedger(MemoryLedger):
    """Counts its reads, and lets a test act just before an append, once."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0
        self.appends: list[Append] = []
        self.before_append: Callable[[], object] | None = None
        self.after_load: Callable[[], object] | None = None
        self.timeouts_s: list[float] = []

    def load(self, stream_ids: Sequence[UUID]) -> Sequence[Event]:
        self.loads += 1
        events = super().load(stream_ids)
        action, self.after_load = self.after_load, None
        if action:
            action()
        return events

    def append(self, append: Append, *, timeout_s: float = 30.0) -> Sequence[Place]:
        action, self.before_append = self.before_append, None
        if action:
            action()
        self.timeouts_s.append(timeout_s)
        places = super().append(append)
        self.appends.append(append)
        return places


class World:
    """A ledger with two executors over it, as two processes have them."""

    def __init__(self, ledger: WatchedLedger | None = None) -> None:
        self.ledger, self.vault, self.now = ledger or WatchedLedger(), memory_vault(), NOW
        self.here, self.elsewhere = (self.executor() for _ in range(2))

    def executor(self) -> Executor:
        return Executor(self.ledger, self.vault, REGISTRY, clock=lambda: self.now)

    def do(self, name: str, /, *, by: Any = None, context: Any = None, **fields: Any) -> Outcome:
        return (by or self.here).execute(order(name, **fields), context or fresh())

    def customer(self, **fields: Any) -> UUID:
        customer_id = uuid7()
        self.do("customer.register", customer_id=customer_id, **fields)
        return customer_id

    def stages(self, customer_id: UUID) -> list[str]:
        facts = [event.fact for event in self.ledger.load([customer_id])]
        return [fact.stage for fact in facts if isinstance(fact, CustomerStageChanged)]

    def newest(self, stream_id: UUID) -> Event:
        return self.ledger.load([stream_id])[-1]

    def open(self, token: object) -> object:
        assert isinstance(token, Sealed)
        return self.vault.open([token])[0]


def order(name: str, /, **fields: Any) -> Command:
    command: Command = REGISTRY.named(name).command.model_validate(fields)
    return command


def fresh(**more: Any) -> Context:
    return Context(uuid7(), "tester", **more)


def value_of(fact: Fact, name: str) -> object:
    return getattr(fact, name)
