"""A fictitious company's year as commands in order of time, and as batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from adapters.simulation.calendar import Calendar
from adapters.simulation.year import Year
from domain.decider import Command
from domain.errors import InvalidError
from domain.execute import Batch, Context

RELEASE = 3  # another one makes other companies of the same seeds
FEWEST_CUSTOMERS = 10
FOUNDED = 300
EACH = 7


@dataclass(frozen=True)
class Simulation:
    """A fictitious company's year: iterate to get its commands, each with its context, in order of time.

    Exactly `events` commands, each of which makes at least one fact on an empty ledger, about `customers` customers
    (some register a second time). The same arguments give the same commands with the same ids, so that loading them
    twice changes nothing; other arguments give another company, which may live beside the first. The origin is
    `import`: it is history, so that no reactor mails anybody or remembers a task because of it.
    """

    customers: int
    events: int
    seed: int = 1
    year: int = 2025
    time_zone: str = "Europe/Lisbon"
    actor: str = "simulation"

    def __post_init__(self) -> None:
        least = fewest_events(self.customers)
        if self.customers < FEWEST_CUSTOMERS:
            raise InvalidError(f"a company has at least {FEWEST_CUSTOMERS} customers", customers=self.customers)
        if self.events < least:
            raise InvalidError(f"so many customers make at least {least} events", events=self.events)

    def __iter__(self) -> Iterator[tuple[Command, Context]]:
        name = f"relato simulation {RELEASE} {self.customers} {self.events} {self.seed} {self.year} {self.time_zone}"
        return Year(self.customers, self.events, name, Calendar(self.year, self.time_zone), self.actor).tell()


def fewest_events(customers: int) -> int:
    return FOUNDED + EACH * customers


def batches(simulation: Simulation, size: int = 1_500) -> Iterator[Batch]:
    """For `Executor.execute_all`, one after the other; the last is shorter."""
    commands = iter(simulation)
    while batch := list(islice(commands, size)):
        yield batch
