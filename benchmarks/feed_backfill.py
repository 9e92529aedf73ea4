"""How many facts a second a feed that begins with the past goes through, until it has joined the others."""

from __future__ import annotations

import time
from contextlib import closing
from uuid import UUID

from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from adapters.postgres.feed_desk import PostgresFeedDesk
from benchmarks import companies
from benchmarks.figures import Figure, Measured
from benchmarks.harness import Scratch, main
from domain.catalogue import REGISTRY
from domain.execute import Context, Executor
from streams.feeds.actor import Term

FACTS = 1_000_000
LONG_AGO = "2000-01-01T00:00:00Z"
SHOWS = [
    {"type": "crm.order.placed.v1", "fields": ["number", "kind", "country", "lines.product_id", "lines.quantity"]},
    {"type": "crm.order.shipped.v1", "fields": ["carrier", "expected_on"]},
    {"type": "crm.ticket.opened.v1", "fields": ["category", "priority", "product_id"]},
]
TERMS = {"purpose": "bench", "scope": "all", "shows": SHOWS, "imported": True, "valid_from": LONG_AGO}
HOW = (
    "The actor has come to the end of {facts:,} facts; then an agreement over all customers is activated that is valid"
    " from before the first of them. From its activation until its feed has joined the others, {entries:,} entries"
    " later; wall-clock, committed to disk."
)


def measure(scratch: Scratch) -> Measured:
    count = companies.fill(scratch.installation, scratch.count(FACTS, 10_000), of=scratch.count(50_000, 10_000))
    partner_id = uuid7()
    _order(scratch.installation.executor, "partner.register", partner_id=partner_id, name="Bench", kind="supplier")
    with closing(PostgresFeedDesk(scratch.dsn)) as desk:
        desk.lead()
        term = Term(desk, CelFilters())
        while term.step():
            pass
        rounds = [_run(scratch, desk, term, partner_id) for _ in range(scratch.count(3, 1))]
    return [
        Figure(what="backfill of one feed, wall-clock", against="—", unit="facts/s", target=10_000,
               values=[round(count / seconds) for seconds, _ in rounds],
               how=HOW.format(facts=count, entries=rounds[0][1])),
    ]  # fmt: skip


def _run(scratch: Scratch, desk: PostgresFeedDesk, term: Term, partner_id: UUID) -> tuple[float, int]:
    """Seconds, and how many entries."""
    feed, executor = uuid7(), scratch.installation.executor
    _order(executor, "agreement.draft", agreement_id=feed, partner_id=partner_id, terms=TERMS)
    _order(executor, "agreement.activate", agreement_id=feed)
    began = time.perf_counter()
    term.step()
    while desk.late():
        term.step()
    took, entries = time.perf_counter() - began, desk.heads([feed]).get(feed, 0)
    print(f"  {took:.1f} s, {entries:,} entries", flush=True)
    return took, entries


def _order(executor: Executor, name: str, /, **fields: object) -> None:
    command = REGISTRY.named(name).command.model_validate(fields)
    executor.execute(command, Context(uuid7(), "bench", fresh=True))


if __name__ == "__main__":
    main(measure)
