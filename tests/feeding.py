"""Partners' feeds for tests: agreements in a few words, an actor that is stepped, and what a partner is told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from adapters.postgres.feed_desk import PostgresFeedDesk
from adapters.postgres.feeds import PostgresFeeds
from streams.feeds.actor import Term
from streams.feeds.delivery import Deliveries
from tests.backend import Backend

ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.product_id", "lines.quantity"]}


def deliveries_of(backend: Backend, feeds: PostgresFeeds) -> Deliveries:
    def now() -> datetime:
        return datetime.now(UTC)

    return Deliveries(feeds, backend.ledger, CelFilters(), backend.vault.derive_id, source="/relato/test", clock=now)


def terms(*shows: dict[str, Any], scope: str = "all", **more: Any) -> dict[str, Any]:
    return {"purpose": "to deliver", "shows": list(shows or [ORDERS]), "scope": scope, **more}


def partner(backend: Backend, name: str = "Olaria", kind: str = "supplier") -> UUID:
    partner_id = uuid7()
    backend.do("partner.register", partner_id=partner_id, name=name, kind=kind)
    return partner_id


def agree(backend: Backend, partner_id: UUID, agreed: dict[str, Any] | None = None, *, active: bool = True) -> UUID:
    agreement_id = uuid7()
    backend.do("agreement.draft", agreement_id=agreement_id, partner_id=partner_id, terms=agreed or terms())
    if active:
        backend.do("agreement.activate", agreement_id=agreement_id)
    return agreement_id


def amend(backend: Backend, agreement_id: UUID, agreed: dict[str, Any]) -> None:
    backend.do("agreement.amend", agreement_id=agreement_id, terms=agreed)
    backend.do("agreement.activate", agreement_id=agreement_id)


def product(backend: Backend, supplier_id: UUID | None = None) -> UUID:
    product_id = uuid7()
    backend.do("product.register", product_id=product_id, name="jar", supplier_id=supplier_id)
    return product_id


def place(backend: Backend, customer_id: UUID | None, *products: UUID, **more: Any) -> UUID:
    order_id = uuid7()
    lines = [{"product_id": one, "quantity": n, "amount_minor": 100 * n} for n, one in enumerate(products, 1)]
    given = {"number": "1", "kind": "sale", "currency": "EUR", "lines": lines, "customer_id": customer_id, **more}
    backend.do("order.place", order_id=order_id, **given)
    return order_id


@contextmanager
def leading(dsn: str) -> Iterator[Term]:
    """An actor's term, to be stepped."""
    with closing(PostgresFeedDesk(dsn)) as desk:
        while not desk.lead():
            time.sleep(0.01)  # the session of the one before may not be gone yet
        yield Term(desk, CelFilters())


def enter_all(dsn: str) -> None:
    """All that the ledger holds, by an actor that begins anew."""
    with leading(dsn) as term:
        while term.step():
            pass


def numbers(events: Sequence[dict[str, Any]]) -> list[int]:
    return [event["feedseq"] for event in events]
