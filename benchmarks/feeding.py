"""How many facts a second the feeds' actor enters for a hundred partners, and one feed's backfill."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from adapters.postgres.feed_desk import PostgresFeedDesk
from benchmarks import companies
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, main
from domain.agreement.decider import Agreement
from domain.agreement.terms import Terms
from domain.event import Event
from domain.partner.facts import PartnerId
from streams.feeds.actor import Term
from streams.feeds.book import Book
from streams.feeds.candidates import InForce

AGREEMENTS, FACTS = 100, 200_000
SHOWS = (
    {"type": "crm.order.placed.v1", "fields": ["number", "kind", "country", "lines.product_id", "lines.quantity"]},
    {"type": "crm.order.shipped.v1", "fields": ["carrier", "expected_on"]},
    {"type": "crm.ticket.opened.v1", "fields": ["category", "priority", "product_id"]},
    {"type": "crm.ticket.resolved.v1", "fields": ["outcome"]},
    {"type": "crm.opportunity.opened.v1", "fields": ["stage", "product_id"]},
    {"type": "crm.opportunity.won.v1", "fields": []},
)
FILTERS = (None, "!has(fact.country) || fact.country == 'PT'", "!has(fact.lines) || size(fact.lines) > 1",
           "origin != 'partner' && type.startsWith('crm.order.')")  # fmt: skip
SCOPES = ("supplier", "territory", "supplier", "customers", "all")
HOW = (
    "{agreements} agreements that hold from the first fact on: two fifths by supplier, a fifth each by territory, by"
    " 50 named customers, and of all; three types each, three quarters with a row filter. The actor reads a company's"
    " {facts:,} facts, decides, and writes {entries:,} entries; its own process's and its session's CPU time."
)
HOW_LATE = "One feed of all orders, from the first fact on, over the same ledger: {facts:,} facts, {entries:,} entries."


def measure(scratch: Scratch) -> Measured:
    count = companies.fill(scratch.installation, scratch.count(FACTS, 10_000), of=scratch.count(50_000, 10_000))
    events = scratch.installation.ledger.read(0, 50_000)
    rounds = [_run(scratch, count, list(_agreements(events))) for _ in range(scratch.count(3, 1))]
    late = [_run(scratch, count, [_kept(0, events, scope="all")]) for _ in range(scratch.count(3, 1))]
    return [
        Figure(what="entries for 100 partners", against="—", unit="facts/s", target=2_000,
               values=[round(rate) for rate, _ in rounds],
               how=HOW.format(agreements=AGREEMENTS, facts=count, entries=rounds[0][1])),
        Figure(what="backfill of one feed", against="—", unit="facts/s", target=10_000,
               values=[round(rate) for rate, _ in late], how=HOW_LATE.format(facts=count, entries=late[0][1])),
    ]  # fmt: skip


def _agreements(events: Sequence[Event]) -> Iterator[InForce]:
    for n in range(AGREEMENTS):
        yield _kept(n, events, scope=SCOPES[n % 5])


def _kept(n: int, events: Sequence[Event], *, scope: str) -> InForce:
    partners = [event.stream_id for event in events if event.type == "crm.partner.registered.v1"]
    customers = [event.stream_id for event in events if event.type == "crm.customer.registered.v1"]
    shows = [SHOWS[(n + k) % 6] for k in range(3)]
    named = {customers[(n * 7 + k) % len(customers)] for k in range(50)} if scope == "customers" else ()
    given: dict[str, Any] = {"purpose": "bench", "scope": scope, "shows": shows, "customers": sorted(named)}
    terms = Terms.model_validate({**given, "row_filter": FILTERS[n % 4], "imported": True})
    agreement = Agreement(PartnerId(partners[n % len(partners)]), (terms,), 1)
    return Book(CelFilters()).compiled(uuid7(), 1, agreement)


def _run(scratch: Scratch, count: int, kept: Sequence[InForce]) -> tuple[float, int]:
    """Facts a second of CPU, and how many entries."""
    with closing(PostgresFeedDesk(scratch.dsn)) as desk:
        desk.lead()
        _begin_anew(desk)
        term, heads = Term(desk, CelFilters()), Counter[UUID]()
        for one in kept:
            term._book.hold(one)  # noqa: SLF001 as if it had been agreed before the first fact
        backend = int(desk._session("select pg_backend_pid()::int8").get_value(0, 0).hex(), 16)  # type: ignore[union-attr]  # noqa: SLF001 its CPU counts too
        began = time.process_time() + _cpu_s(backend)
        while term.step():
            pass
        took = time.process_time() + _cpu_s(backend) - began
        heads.update({one.feed: head for one in kept for head in [desk.heads([one.feed]).get(one.feed, 0)]})
    print(f"  {count / took:,.0f} facts/s, {heads.total():,} entries, {1e6 * took / count:.0f} µs a fact", flush=True)
    return count / took, heads.total()


def _begin_anew(desk: PostgresFeedDesk) -> None:
    desk._session.reset()  # noqa: SLF001 the rounds enter the same facts again, into other feeds


def _cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 one line
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main(measure)
