"""The year as it goes: which stories begin when, and all that is ordered in them, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from uuid import UUID

from adapters.simulation import company, customers, sales, support, talk, trade
from adapters.simulation.agenda import Agenda, Telling
from adapters.simulation.calendar import DAY, HOUR, OPENS, Calendar
from adapters.simulation.seeded import SeededIds
from adapters.simulation.world import Customer, Story, World
from domain.decider import Command
from domain.event import Origin
from domain.execute import Context

FOUNDING = 160  # commands, about, for the company itself over the year
ARRIVAL = 5.3  # commands, about, for each customer's arrival
STORY = 4.6  # commands, about, in a story of the deck
STORIES_SHARE = 0.6  # of what happens; single talks are the rest
RESERVE = 0.985  # the season's greetings fill up what is left
ALREADY_KNOWN = 0.6  # of the customers, in the first days
FIRST_DAYS = 10
LAST_ARRIVAL, ERASURES = 345, 352  # days of the year
ERASED_OF = 150  # one customer of so many wants to be forgotten

Begin = Callable[[World, Customer], Story]
DECK: tuple[tuple[Begin, int], ...] = (
    *customers.STORIES, *trade.STORIES, *sales.STORIES, *support.STORIES, *talk.STORIES
)  # fmt: skip


class Year:
    """One run through the year; `Simulation` says what its arguments mean."""

    def __init__(self, customers: int, events: int, name: str, calendar: Calendar, actor: str) -> None:
        self._customers, self._events, self._actor, self._calendar = customers, events, actor, calendar
        self._world = World(Random(name), SeededIds(name), calendar)  # noqa: S311 a game, no secret
        self._command_ids = SeededIds(f"{name} commands")
        self._agenda = Agenda()
        self._deck: list[Begin] = []
        self._paced_total = RESERVE * (events - FOUNDING - ARRIVAL * customers)
        self._told = self._paced = self._arrived = self._begun = 0

    def tell(self) -> Iterator[tuple[Command, Context]]:
        self._plan_company()
        for day in range(len(self._calendar.days)):
            self._plan_arrivals(day)
            if self._world.customers:
                self._plan_stories(day)
            for wake in self._agenda.before((day + 1) * DAY):
                self._world.now = wake.moment
                yield from self._go_on(wake.telling)
        yield from self._greet()

    def _begin(self, moment: int, story: Story, customer: Customer | None = None, *, paced: bool = False) -> None:
        self._agenda.add(moment, Telling(story, self._world.new_id(), customer, paced))

    def _go_on(self, telling: Telling) -> Iterator[tuple[Command, Context]]:
        if telling.customer and telling.customer.gone:
            return
        for step in telling.story:
            if isinstance(step, int):
                if step < self._calendar.end:
                    self._agenda.add(step, telling)
                return
            self._paced += telling.paced
            yield self._order(step, telling.correlation_id)

    def _order(self, command: Command, correlation_id: UUID) -> tuple[Command, Context]:
        self._told += 1
        command_id = self._command_ids.next(self._calendar.unix_ms(self._world.now))
        occurred_at = self._calendar.utc(self._world.now)
        return command, Context(command_id, self._actor, Origin.IMPORT, occurred_at, correlation_id)

    def _plan_company(self) -> None:
        self._begin(self._calendar.office(OPENS, self._world.rng), company.found(self._world))
        for day, happen in company.LIFE:
            self._begin(self._calendar.office(day * DAY + OPENS, self._world.rng), happen(self._world))
        for n in range(2 + self._customers // ERASED_OF):
            moment = self._calendar.office(ERASURES * DAY + OPENS, self._world.rng)
            self._begin(moment, self._forget(n))

    def _forget(self, n: int) -> Story:
        """Chosen on the day itself, among those who came early."""
        known = self._world.customers
        customer = known[len(known) // 4 + n]
        yield from (customers.forget if n else customers.forget_contact)(self._world, customer)

    def _plan_arrivals(self, day: int) -> None:
        if not self._world.sellers:
            return
        known = min(day / FIRST_DAYS, 1) * ALREADY_KNOWN
        since = min(self._calendar.share(day) / self._calendar.share(LAST_ARRIVAL), 1) * (1 - ALREADY_KNOWN)
        for _ in range(round(self._customers * (known + since)) - self._arrived):
            self._arrived += 1
            self._begin(self._some_time(day), customers.arrive(self._world))

    def _plan_stories(self, day: int) -> None:
        """Stories at an even rate, and as many talks as the day then lacks."""
        share = self._calendar.share(day) * self._paced_total
        while self._begun * STORY < share * STORIES_SHARE:
            self._begun += 1
            customer = self._world.someone()
            self._begin(self._some_time(day), self._draw()(self._world, customer), customer, paced=True)
        for _ in range(round(share) - self._paced - self._agenda.on_day[day]):
            customer = self._world.someone()
            self._begin(self._some_time(day), talk.talk(self._world, customer), customer, paced=True)

    def _draw(self) -> Begin:
        """Every story comes as often as it should before any comes again."""
        if not self._deck:
            self._deck = [begin for begin, cards in DECK for _ in range(cards)]
            self._world.rng.shuffle(self._deck)
        return self._deck.pop()

    def _some_time(self, day: int) -> int:
        return day * DAY + OPENS + self._world.rng.randrange(13 * HOUR)

    def _greet(self) -> Iterator[tuple[Command, Context]]:
        self._world.now = self._calendar.end - HOUR
        for n in range(self._events - self._told):
            customer = self._world.customers[n % len(self._world.customers)]
            yield self._order(talk.greet(self._world, customer), self._world.new_id())
