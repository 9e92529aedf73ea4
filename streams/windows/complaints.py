"""Bursts of complaints: tickets that complain of one product, many within a few minutes."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.event import Origin
from domain.ticket.facts import TicketOpened
from streams.shares import Share
from streams.windows.alerts import ComplaintsBurst, Raised, raised
from streams.windows.rules import Rules
from streams.windows.window import Row

MOST_NAMED = 20


@dataclass(slots=True, order=True)
class Complaint:
    """In the ledger's order, whatever order their partitions came in."""

    position: int
    at: datetime = field(compare=False)
    ticket_id: UUID = field(compare=False)
    event_id: UUID = field(compare=False)
    is_judged: bool = field(default=False, compare=False)


class Complaints:
    """A burst is told when it begins, and again only after so long without: that depends on its neighbours alone."""

    name, department, key = "complaints", "support", "product_id"
    types: Collection[str] = frozenset({TicketOpened.TYPE})

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_product: dict[UUID, list[Complaint]] = {}
        self._fresh: set[UUID] = set()

    def take(self, share: Share) -> Iterable[Raised]:
        product_id, category = share.content.get("product_id"), share.content.get("category")
        is_one = category and category.casefold() in self._rules.complaint_categories
        if is_one and product_id and share.origin != Origin.IMPORT:
            id_ = UUID(product_id)
            complaint = Complaint(share.position, share.recorded_at, share.stream_id, share.event_id)
            insort(self._by_product.setdefault(id_, []), complaint)
            self._fresh.add(id_)
        return ()

    def judge(self, until: datetime) -> Iterator[Raised]:
        for product_id in sorted(self._fresh):
            yield from self._judge_product(product_id, until)
        self._forget(until - self._rules.late - 2 * self._rules.complaints_within)

    def rows(self, now: datetime) -> Iterator[Row]:
        for product_id, complaints in self._by_product.items():
            if recent := [one for one in complaints if one.at > now - self._rules.complaints_within]:
                is_burst = len(recent) >= self._rules.complaints
                counted = {"complaints": len(recent), "since": recent[0].at, "is_burst": is_burst}
                yield {"product_id": product_id, **counted}

    def _judge_product(self, product_id: UUID, until: datetime) -> Iterator[Raised]:
        complaints = self._by_product[product_id]
        for index, complaint in enumerate(complaints):
            if complaint.is_judged or complaint.at > until:
                continue
            complaint.is_judged = True
            if self._begins_burst(complaints, index):
                alert = self._burst(product_id, self._before(complaints, index))
                yield raised(product_id, complaint.at, alert, complaint.event_id)
        if all(complaint.is_judged for complaint in complaints):
            self._fresh.discard(product_id)

    def _begins_burst(self, complaints: Sequence[Complaint], index: int) -> bool:
        *earlier, last = range(self._first(complaints, index), index + 1)
        return self._is_burst(complaints, last) and not any(self._is_burst(complaints, one) for one in earlier)

    def _is_burst(self, complaints: Sequence[Complaint], index: int) -> bool:
        return index + 1 - self._first(complaints, index) >= self._rules.complaints

    def _first(self, complaints: Sequence[Complaint], index: int) -> int:
        """The first of those that count together with this one."""
        oldest = complaints[index].at - self._rules.complaints_within
        return bisect_right(complaints, oldest, hi=index, key=lambda complaint: complaint.at)

    def _before(self, complaints: Sequence[Complaint], index: int) -> Sequence[Complaint]:
        return complaints[self._first(complaints, index) : index + 1]

    def _burst(self, product_id: UUID, complaints: Sequence[Complaint]) -> ComplaintsBurst:
        content: dict[str, Any] = {"complaints": len(complaints), "since": complaints[0].at}
        ids = tuple(complaint.ticket_id for complaint in complaints[-MOST_NAMED:])
        return ComplaintsBurst(product_id=product_id, ticket_ids=ids, **content)

    def _forget(self, oldest: datetime) -> None:
        for product_id, complaints in list(self._by_product.items()):
            del complaints[: bisect_right(complaints, oldest, key=lambda complaint: complaint.at)]
            if not complaints:
                del self._by_product[product_id]
                self._fresh.discard(product_id)
