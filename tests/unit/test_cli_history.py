"""A customer's history, over every id that is the same customer's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from domain.customer.facts import (
    CustomerAbsorbed,
    CustomerId,
    CustomerMerged,
    CustomerReleased,
    CustomerStageChanged,
    CustomerUnmerged,
    Stage,
)
from domain.event import Event
from domain.fact import Fact
from domain.order.facts import OrderCustomerIdentified, OrderShipped
from projections.history import Horizon, read_history

ANA, BIA, ORDER = (CustomerId(UUID(int=n)) for n in (1, 2, 3))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERYTHING = Horizon()
LAPSED = CustomerStageChanged(stage=Stage.LAPSED)


class Log:
    """A ledger and its identities in memory; each fact is recorded a minute after the one before it."""

    def __init__(self) -> None:
        self.subjects: dict[UUID, list[Event]] = defaultdict(list)
        self.position = 0

    def add(self, subject_id: UUID, fact: Fact, occurred_at: datetime | None = None) -> datetime:
        self.position += 1
        recorded_at = NOON + timedelta(minutes=self.position)
        events = self.subjects[subject_id]
        ids = (uuid4(), uuid4(), uuid4(), uuid4())
        numbers = (self.position, 0, self.position, subject_id, len(events) + 1, subject_id, len(events) + 1)
        times = (occurred_at or recorded_at, recorded_at)
        events.append(Event(*numbers, *ids, *times, fact.TYPE, "t", "command", fact.encode(), b"", b""))
        return recorded_at

    def merge(self, customer: CustomerId, into: CustomerId) -> datetime:
        self.add(customer, CustomerMerged(into_id=into))
        return self.add(into, CustomerAbsorbed(absorbed_id=customer))

    def read_subject(self, subject_id: UUID, after: int, limit: int) -> Sequence[Event]:
        return self.subjects[subject_id][after : after + limit]

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]:
        return [
            event.subject_id
            for events in list(self.subjects.values())
            for event in events
            if isinstance(event.fact, OrderCustomerIdentified) and event.fact.customer_id == customer_id
        ]

    def history(self, customer_id: UUID, horizon: Horizon = EVERYTHING) -> list[int]:
        return [event.position for event in read_history(customer_id, self, self, horizon)]


def test_facts_of_merged_customers_and_identified_orders_come_in_the_ledgers_order() -> None:
    log = Log()
    log.add(ANA, LAPSED)
    log.add(ORDER, OrderShipped())
    log.add(BIA, LAPSED)
    log.add(ORDER, OrderCustomerIdentified(customer_id=ANA))
    log.merge(ANA, BIA)
    assert log.history(ANA) == log.history(BIA) == log.history(ORDER) == [1, 2, 3, 4, 5, 6]


def test_a_merge_that_was_undone_leaves_both_their_own() -> None:
    log = Log()
    at = log.merge(ANA, BIA)
    log.add(ANA, CustomerUnmerged(from_id=BIA))
    log.add(BIA, CustomerReleased(released_id=ANA))
    assert (log.history(ANA), log.history(BIA)) == ([1, 3], [2, 4])
    assert log.history(BIA, Horizon(known_at=at)) == [1, 2]


def test_what_was_known_then_is_the_ledger_up_to_then() -> None:
    log = Log()
    log.add(ANA, LAPSED)
    at = log.add(ANA, LAPSED, occurred_at=NOON - timedelta(days=9))
    log.add(ANA, LAPSED, occurred_at=NOON - timedelta(days=9))
    assert log.history(ANA, Horizon(known_at=at)) == [1, 2]


def test_what_was_true_then_is_what_had_occurred_in_the_ledgers_order() -> None:
    log = Log()
    log.add(ANA, LAPSED, occurred_at=NOON - timedelta(days=1))
    log.add(ANA, LAPSED)
    log.add(ANA, LAPSED, occurred_at=NOON - timedelta(days=2))
    assert log.history(ANA, Horizon(as_of=NOON)) == [1, 3]


def test_a_long_history_is_read_whole() -> None:
    log = Log()
    for _ in range(4_500):
        log.add(ANA, LAPSED)
    assert len(log.history(ANA)) == 4_500


def test_nothing_is_known_under_an_unknown_id() -> None:
    assert Log().history(BIA) == []
