"""The world in which the stories play: who and what there is by now, chance, and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from adapters.simulation.calendar import DAY, Calendar
from adapters.simulation.seeded import SeededIds
from domain.customer.facts import CustomerId, Kind, PersonId, Stage
from domain.decider import Command
from domain.money import Money

Step = int | Command
Story = Iterator[Step]
"""What is ordered, one after the other; a number is the moment until which nothing more happens."""

RATES = {"EUR": 1.0, "BRL": 6.0, "GBP": 0.85}
CURRENCIES = {"PT": "EUR", "ES": "EUR", "DE": "EUR", "BR": "BRL", "GB": "GBP"}
RECENT = 5
FAVOURED = 1.4  # the greater, the more the first customers do of all


class Point(NamedTuple):
    """Where somebody can be reached."""

    channel: str
    value: str
    person_id: PersonId | None


@dataclass(eq=False, slots=True)
class Customer:
    """What the stories know of a customer; `recent` are ids of what was talked about lately."""

    id: CustomerId
    name: str
    kind: Kind
    country: str
    stage: Stage
    seller_id: UUID
    contacts: list[PersonId] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    fields: dict[UUID, object] = field(default_factory=dict)
    recent: list[UUID] = field(default_factory=list)
    gone: bool = False

    @property
    def currency(self) -> str:
        return CURRENCIES[self.country]

    def remember(self, about_id: UUID) -> None:
        self.recent = [*self.recent[1 - RECENT :], about_id]


@dataclass(eq=False, slots=True)
class Product:
    id: UUID
    name: str
    price_minor: int  # in euro cents
    supplier_id: UUID
    stock: int = 0


@dataclass(eq=False, slots=True)
class Field:
    """One of the company's own fields."""

    id: UUID
    clear: bool
    choices: tuple[str, ...]


@dataclass(eq=False)
class World:
    rng: Random
    ids: SeededIds
    calendar: Calendar
    now: int = 0
    suppliers: list[UUID] = field(default_factory=list)
    distributors: list[UUID] = field(default_factory=list)
    territories: list[UUID] = field(default_factory=list)
    teams: list[UUID] = field(default_factory=list)
    sellers: list[UUID] = field(default_factory=list)
    agents: list[UUID] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    numbers: int = 0

    def new_id(self) -> UUID:
        return self.ids.next(self.calendar.unix_ms(self.now))

    def number(self) -> int:
        """One after the other, from 1."""
        self.numbers += 1
        return self.numbers

    def today(self, days: int = 0) -> date:
        return self.calendar.date(self.now) + timedelta(days=days)

    def later(self, low_days: float, high_days: float) -> int:
        """A moment of the office's time between so many days from now."""
        return self.calendar.office(self.now + int(self.rng.uniform(low_days, high_days) * DAY), self.rng)

    def any_time(self, low_days: float, high_days: float) -> int:
        """A moment at which customers are awake."""
        return self.calendar.shop(self.now + int(self.rng.uniform(low_days, high_days) * DAY), self.rng)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def someone(self) -> Customer:
        """A customer; some do much more than others."""
        return self.customers[int(len(self.customers) * self.rng.random() ** FAVOURED)]

    def some_product(self) -> Product:
        return self.products[int(len(self.products) * self.rng.random() ** FAVOURED)]

    def seller(self) -> UUID:
        return self.rng.choice(self.sellers)

    def agent(self) -> UUID:
        return self.rng.choice(self.agents)


def money(customer: Customer, euro_cents: float) -> Money:
    """What comes to so many euro cents, in the customer's currency and whole units."""
    units = round(euro_cents * RATES[customer.currency] / 100)
    return Money(amount_minor=units * 100, currency=customer.currency)
