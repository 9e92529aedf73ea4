"""Needs noted on customers, repeated as a caller is told to, and the proof that each is in the ledger once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from adapters.ids import uuid7
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from domain.customer.facts import CustomerRegistered
from domain.errors import UnavailableError
from domain.execute import Context, Outcome
from tests.backend import Backend

LOCK = "select pg_advisory_lock(7305)"


def assert_once(backend: Backend, app: str, command_ids: Sequence[UUID]) -> None:
    """Each command has one fact, nothing else is there but the customers, and every numbering is whole."""
    events = backend.ledger.read(0, 100_000)
    counts = Counter(event.command_id for event in events if event.type != CustomerRegistered.TYPE)
    assert counts == dict.fromkeys(command_ids, 1)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    store = PostgresCheckpointStore(app)
    try:
        assert set(store.faults().values()) == {0}
    finally:
        store.close()


def need(backend: Backend, customer_id: UUID, n: int, context: Context) -> Outcome:
    return backend.do("customer.note_need", context, customer_id=customer_id, need=f"need {n}", note=f"said {n}")


def insist(backend: Backend, customer_id: UUID, n: int, context: Context) -> Outcome:
    """As a caller is told to: repeated with the same id while the outcome is unknown."""
    while True:
        try:
            return need(backend, customer_id, n, context)
        except UnavailableError:
            continue


def issuer(timeout_s: float = 30) -> Context:
    return Context(uuid7(), "issuer", timeout_s=timeout_s)
