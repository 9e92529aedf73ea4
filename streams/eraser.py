"""The eraser: an actor that destroys the keys of whom the ledger says are erased, and follows them to their aliases."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag
from typing import Protocol
from uuid import UUID

from domain.customer.commands import ErasePerson
from domain.customer.facts import PersonErased
from domain.erasure import persons_of
from domain.errors import UnavailableError
from domain.event import Event, Origin
from domain.execute import Context, Executor
from domain.ports import Vault

NAME = "eraser"
BATCH = 100
INTERVAL_S = 1.0


class Keys(Vault, Protocol):
    """A vault whose keys can be destroyed."""

    def erase(self, person_ids: Sequence[UUID]) -> None: ...


class Erasures(Protocol):
    """The ledger's erasures in order, and how far they were carried out."""

    def pending(self, limit: int) -> Sequence[Event]:
        """Facts of the types ERASURES after the stored position."""

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]:
        """The subjects of anonymous orders, tickets and opportunities that turned out to be this customer's."""

    def done(self, position: int) -> None: ...


class Eraser:
    """Everything it does may be done again: a crash repeats, and loses nothing."""

    def __init__(self, erasures: Erasures, keys: Keys, executor: Executor) -> None:
        self._erasures, self._keys, self._executor = erasures, keys, executor

    def run_once(self) -> int:
        """Carries out what the ledger holds; answers how many facts that were."""
        count = 0
        while events := self._erasures.pending(BATCH):
            for event in events:
                self._erase(event)
                self._erasures.done(event.position)
            count += len(events)
        return count

    def run(self, stop: Flag) -> None:
        while not stop.is_set():
            try:
                self.run_once()
            except UnavailableError:
                stop.wait(INTERVAL_S)  # the next turn repeats it
            stop.wait(INTERVAL_S)

    def _erase(self, event: Event) -> None:
        fact = event.fact
        if isinstance(fact, PersonErased):
            self._erase_customer(event, fact)
        else:
            self._keys.erase([*persons_of(event)])

    def _erase_customer(self, event: Event, fact: PersonErased) -> None:
        anonymous = self._erasures.identified_as(event.subject_id) if fact.everyone else ()
        self._keys.erase([*fact.person_ids, *anonymous])
        for alias in fact.aliases:
            command_id = self._keys.derive_id(NAME, f"{event.event_id} {alias}")
            context = Context(command_id, event.actor, Origin.REACTOR, correlation_id=event.correlation_id,
                              causation_id=event.event_id)  # fmt: skip
            self._executor.execute(ErasePerson(customer_id=alias), context)
