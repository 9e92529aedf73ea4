"""A customer's history, over every id that is the same customer's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

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
from domain.ports import By
from projections.history import Horizon, read_history, read_page

ANA, BIA, ORDER = (CustomerId(UUID(int=n)) for n in (1, 2, 3))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERYTHING = Horizon()
LAPSED = CustomerStageChanged(stage=Stage.LAPSED)


class Log:
    """A ledger and its identities in memory; each fact is recorded a minute after the one before it."""

    def __init__(self) -> None:
        self.subjects: dict[UUID, list[Event]] = defaultdict(list)
        self.position = self.read = 0

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
        found = self.subjects[subject_id][after : after + limit]
        self.read += len(found)
        return found

    def select_subject(
        self, subject_id: UUID, after: int, limit: int, types: Collection[str] | None, by: By
    ) -> Sequence[Event]:
        found = [event for event in self._seen(subject_id, by) if types is None or event.type in types]
        found = [event for event in found if event.subject_seq > after][:limit]
        self.read += len(found)
        return found

    def count_others(self, subject_id: UUID, types: Collection[str], by: By) -> int:
        return sum(event.type not in types for event in self._seen(subject_id, by))

    def _seen(self, subject_id: UUID, by: By) -> list[Event]:
        return [event for event in self.subjects[subject_id] if Horizon(by.as_of, by.known_at).sees(event)]

    def identified_as(self, customer_id: UUID) -> Sequence[UUID]:
        return [
            event.subject_id
            for events in list(self.subjects.values())
            for event in events
            if isinstance(event.fact, OrderCustomerIdentified) and event.fact.customer_id == customer_id
        ]

    def history(self, customer_id: UUID, horizon: Horizon = EVERYTHING) -> list[int]:
        return [event.position for event in read_history(customer_id, self, self, horizon)]

    def pages(self, customer_id: UUID, limit: int, horizon: Horizon = EVERYTHING, **more: Any) -> list[list[int]]:
        """One after the other, to the end."""
        found: list[list[int]] = []
        after = 0
        while page := read_page(customer_id, self, self, horizon, after=after, limit=limit, **more):
            if not page.events:
                break
            found.append([event.position for event in page.events])
            after = found[-1][-1]
        return found


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


def life_of(log: Log) -> datetime:
    """Of two customers who were merged, with an order that was nobody's at first; until when half of it was known."""
    at = NOON
    for n in range(40):
        at = log.add((ANA, BIA, ORDER)[n % 3], LAPSED if n % 3 < 2 else OrderShipped(), NOON - timedelta(hours=n % 5))
        if n == 11:
            log.add(ORDER, OrderCustomerIdentified(customer_id=ANA))
            half = log.merge(ANA, BIA)
    assert half < at
    return half


@pytest.mark.parametrize("limit", [1, 2, 7, 1_000])
@pytest.mark.parametrize("customer", [ANA, BIA, ORDER], ids=["Ana", "Bia", "order"])
def test_pages_one_after_the_other_are_the_history(customer: UUID, limit: int) -> None:
    log = Log()
    half = life_of(log)
    for horizon in (EVERYTHING, Horizon(known_at=half), Horizon(as_of=NOON - timedelta(hours=2))):
        pages = log.pages(customer, limit, horizon)
        assert [position for page in pages for position in page] == log.history(customer, horizon)
        assert all(len(page) == limit for page in pages[:-1])


def test_a_page_tells_how_many_facts_of_all_it_leaves_out() -> None:
    log = Log()
    half = life_of(log)

    for horizon in (EVERYTHING, Horizon(known_at=half), Horizon(as_of=NOON - timedelta(hours=2))):
        whole = read_history(ANA, log, log, horizon)
        wanted = [event for event in whole if event.type == LAPSED.TYPE]
        page = read_page(ANA, log, log, horizon, after=wanted[0].position, limit=3, types={LAPSED.TYPE})
        assert page is not None
        assert page.events == wanted[1:4]
        assert page.left_out == len(whole) - len(wanted)


def test_of_nobody_there_is_no_page() -> None:
    assert read_page(ANA, log := Log(), log, EVERYTHING, after=0, limit=3) is None


def test_a_page_of_a_long_history_reads_little_of_it() -> None:
    log = Log()
    for _ in range(20_000):
        log.add(ANA, LAPSED)
    log.read = 0
    page = read_page(ANA, log, log, EVERYTHING, after=15_000, limit=100)
    assert page is not None
    assert [event.position for event in page.events] == list(range(15_001, 15_101))
    assert log.read < 200
