"""A made-up history of many customers, the same for the same seed, and its way into the ledger."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.customer.facts import (
    ContactPointAdded,
    CustomerAmended,
    CustomerRegistered,
    CustomerStageChanged,
    Kind,
    NeedNoted,
    PersonErased,
    PersonId,
    Stage,
)
from domain.fact import Fact
from domain.money import Money
from domain.opportunity.facts import OpportunityLost, OpportunityMoved, OpportunityOpened, OpportunityWon
from domain.opportunity.facts import Stage as DealStage
from domain.order.facts import Line, OrderAmended, OrderCancelled, OrderKind, OrderPlaced
from domain.personal import Sealed
from domain.ports import Append, Ledger, NewFact, Place, Write

START = datetime(2024, 1, 1, tzinfo=UTC)


class Story:
    """Writes facts and counts the versions of their streams."""

    def __init__(self, ledger: Ledger, seed: int = 1) -> None:
        self._ledger, self.chance = ledger, random.Random(seed)
        self._versions: dict[UUID, int] = {}
        self._commands = 0

    def new_id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def tell(self, subject_id: UUID, *facts: Fact, stream_id: UUID | None = None) -> Sequence[Place]:
        return self.tell_all([NewFact(stream_id or subject_id, subject_id, fact) for fact in facts])

    def tell_all(self, facts: Sequence[NewFact]) -> Sequence[Place]:
        expected = {new.stream_id: self._versions.get(new.stream_id, 0) for new in facts}
        self._commands += 1
        command_id = self.new_id()
        at = START + timedelta(minutes=self._commands)
        write = Write(command_id, bytes(16), command_id, command_id, "tester", "command", at, facts)
        places = self._ledger.append(Append([write], expected))
        for new in facts:
            self._versions[new.stream_id] = self._versions.get(new.stream_id, 0) + 1
        return places

    def customers(self, count: int, *, erased: int = 0) -> list[UUID]:
        """Writes the whole history of so many customers, interleaved, some of them erased at the end."""
        ids = [self.new_id() for _ in range(count)]
        lives = [list(self._life(customer_id)) for customer_id in ids]
        told: list[NewFact] = []
        while lives:
            life = self.chance.choice(lives)
            told.append(life.pop(0))
            if not life:
                lives.remove(life)
        for n in range(0, len(told), 500):
            self.tell_all(told[n : n + 500])
        for customer_id in ids[:erased]:
            self.tell(customer_id, PersonErased(person_ids=(PersonId(customer_id),), everyone=True))
        return ids

    def _life(self, customer_id: UUID) -> Iterator[NewFact]:
        chance = self.chance
        stage = chance.choice([Stage.PROSPECT, Stage.CUSTOMER])
        name = Sealed(f"s1.{chance.getrandbits(200):x}")
        own = [
            CustomerRegistered(kind=Kind.PERSON, stage=stage, name=name, source=chance.choice(["web", "fair", None])),
            ContactPointAdded(channel="email", value=Sealed(f"s1.{chance.getrandbits(300):x}")),
            NeedNoted(need=chance.choice(['a "quoted" need', "back\\slash", "plain", "com,ma {x}"])),
            CustomerAmended(source="call"),
            CustomerStageChanged(stage=Stage.LAPSED),
        ]
        for fact in own[: chance.randint(2, len(own))]:
            yield NewFact(customer_id, customer_id, fact)
        for _ in range(chance.randint(0, 3)):
            stream_id = self.new_id()
            for fact in self._deal() if chance.random() < 0.5 else self._order():
                yield NewFact(stream_id, customer_id, fact)

    def _deal(self) -> Iterator[Fact]:
        seller_id = UUID(int=self.chance.randint(1, 5))
        amount = Money(amount_minor=self.chance.randint(1, 10**6), currency=self.chance.choice(["EUR", "BRL"]))
        yield OpportunityOpened(stage=DealStage.PROSPECTING, seller_id=seller_id, amount=amount)
        for _ in range(self.chance.randint(0, 3)):
            yield OpportunityMoved(stage=self.chance.choice(list(DealStage)))
        if (end := self.chance.random()) < 0.4:
            yield OpportunityWon(amount=amount)
        elif end < 0.7:
            yield OpportunityLost(reason="price")

    def _order(self) -> Iterator[Fact]:
        lines = tuple(
            Line(product_id=self.new_id(), quantity=n, amount_minor=n * 100)
            for n in range(1, self.chance.randint(2, 4))
        )
        number = str(self.chance.randint(1, 10**9))
        yield OrderPlaced(number=number, kind=OrderKind.SALE, currency="EUR", lines=lines)
        if self.chance.random() < 0.3:
            yield OrderAmended(lines=lines[:1])
        if self.chance.random() < 0.2:
            yield OrderCancelled(reason="changed their mind")
