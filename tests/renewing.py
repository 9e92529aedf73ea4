"""A newer release, in which cancelled orders have a second version; for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from domain.fact import Fact
from domain.order.facts import OrderCancelled

NEWEST = "crm.order.cancelled.v2"


@contextmanager
def newer_release() -> Iterator[str]:
    """The newest name of the type."""

    class Cancelled(Fact):
        TYPE = NEWEST
        reason: str | None = None
        by: str | None = None

    known = Fact.types.pop(OrderCancelled.TYPE)
    assert Fact.types[NEWEST] is Cancelled
    Fact.upcasters[OrderCancelled.TYPE] = (NEWEST, lambda content: content | {"by": "us"})
    try:
        yield NEWEST
    finally:
        del Fact.upcasters[OrderCancelled.TYPE], Fact.types[NEWEST]
        Fact.types[OrderCancelled.TYPE] = known
