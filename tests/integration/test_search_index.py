"""The index of search: nothing in clear, live equals rebuilt after erasures too, and what does not open is parked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.ledger_source import LedgerSource
from domain.errors import KeyMissingError, RelatoError
from domain.personal import Sealed
from projections.engine.parking import list_parked, retry_all
from projections.engine.readmodel import Service
from projections.engine.rebuild import rebuild
from projections.engine.schema import connect
from projections.engine.table import fingerprint
from projections.engine.worker import catch_up
from projections.search.service import search_with
from streams.eraser import Eraser
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.faults.planted import dump, find, forms_of
from tests.searching import VaultOpening, search_over

PLANTED = ("Zebulon Quartermaine", "quartermaine", "zebulon.q@example.org", "zarzuela")


@pytest.fixture
def backend(databases: Databases) -> Iterator[Backend]:
    with Backend.open(databases.app, databases.keys_app, new_master()) as backend:
        yield backend


@pytest.fixture
def search(backend: Backend, databases: Databases) -> Iterator[Service]:
    with search_over(backend.vault, databases) as search:
        yield search


def fold(databases: Databases, service: Service) -> None:
    connected = partial(connect, databases.owner, service)
    catch_up(service, connect=connected, open_log=partial(LedgerSource, databases.app, listen=False))


def rebuilt(databases: Databases, service: Service) -> bool:
    """Whether a rebuild makes the same rows, digests and all."""
    connected = partial(connect, databases.owner, service)
    open_log = partial(LedgerSource, databases.app, listen=False)
    (done,) = rebuild(service, ["texts"], connect=connected, open_log=open_log, is_trial=True)
    assert done.comparison is not None
    return done.comparison.is_equal


def ask(databases: Databases, question: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(databases.owner) as db:
        return db.execute(question, values).fetchall()


def tell_of(backend: Backend) -> tuple[UUID, UUID]:
    """A customer with everything there is to find, and an anonymous ticket of theirs."""
    customer, ticket = backend.customer(name=PLANTED[0]), uuid7()
    backend.do("customer.add_contact_point", customer_id=customer, channel="email", value=PLANTED[2])
    backend.do("customer.add_contact", customer_id=customer, person_id=uuid7(), name=PLANTED[0])
    logged = {"customer_id": customer, "channel": "chat", "direction": "inbound", "content": f"a {PLANTED[3]}"}
    backend.do("interaction.log", interaction_id=uuid7(), **logged)
    backend.do("ticket.open", ticket_id=ticket, summary=f"tickets for the {PLANTED[3]}")
    backend.do("ticket.identify_customer", ticket_id=ticket, customer_id=customer)
    return customer, ticket


def erase(backend: Backend, databases: Databases, customer: UUID) -> None:
    backend.do("customer.erase", customer_id=customer)
    carry_out(backend, databases)


def carry_out(backend: Backend, databases: Databases) -> None:
    with closing(PostgresErasures(databases.app)) as erasures:
        Eraser(erasures, backend.vault, backend.executor).run_once()


WITH_TOKENS = "select count(*) from search.texts where tokens is not null"


def test_nothing_lies_in_clear_and_a_rebuild_makes_the_same_before_and_after_an_erasure(
    backend: Backend, search: Service, databases: Databases
) -> None:
    customer, _ = tell_of(backend)
    backend.customer(name="Ana Lima")
    fold(databases, search)
    assert find(dump(databases.owner), [form for text in PLANTED for form in forms_of(text)]) == []
    assert ask(databases, WITH_TOKENS) == [(6,)]
    assert rebuilt(databases, search)
    erase(backend, databases, customer)
    fold(databases, search)
    assert ask(databases, WITH_TOKENS) == [(1,)]
    assert rebuilt(databases, search)


def test_what_the_erasures_fact_does_not_name_goes_with_its_key(
    backend: Backend, search: Service, databases: Databases
) -> None:
    """An anonymous ticket, which is a person of its own; and a text sealed between the erasure and the key's end."""
    customer, ticket = tell_of(backend)
    fold(databases, search)
    backend.do("customer.erase", customer_id=customer)
    backend.do("ticket.note", ticket_id=ticket, content="late")
    fold(databases, search)
    assert ask(databases, "select distinct field from search.texts where tokens is not null order by 1") == [
        ("summary",), ("ticket_note",)]  # fmt: skip
    carry_out(backend, databases)
    fold(databases, search)
    assert ask(databases, WITH_TOKENS) == [(0,)]
    assert rebuilt(databases, search)


def test_another_installations_digests_are_others(backend: Backend, search: Service, databases: Databases) -> None:
    backend.customer(name="Ana Lima")
    fold(databases, search)
    (tokens,) = ask(databases, "select tokens from search.texts")[0]

    class Other(VaultOpening):
        def fingerprint(self, content: bytes) -> bytes:
            return self.vault.fingerprint(b"other" + content)

    elsewhere = Service("search_other", search_with(Other(backend.vault)).read_models)
    fold(databases, elsewhere)
    (others,) = ask(databases, "select tokens from search_other.texts")[0]
    assert len(others) == len(tokens)
    assert not set(others) & set(tokens)


class Faulty:
    """An opening that fails for one text."""

    def __init__(self, backend: Backend, error: RelatoError) -> None:
        self._vault, self.error, self.broken = backend.vault, error, "Rui"
        self.fingerprint = backend.vault.fingerprint

    def open(self, values: Sequence[Sealed]) -> Sequence[Any]:
        opened = self._vault.open(values)
        if self.broken in opened:
            raise self.error
        return opened

    def forgotten(self) -> Collection[UUID]:
        return ()


def test_a_text_that_does_not_open_is_parked_and_found_when_it_does(backend: Backend, databases: Databases) -> None:
    faulty = Faulty(backend, RelatoError("altered"))
    service = search_with(faulty)
    rui, _ = backend.customer(name="Rui"), backend.customer(name="Ana")
    fold(databases, service)
    with closing(connect(databases.owner, service)) as db:
        (parked,) = list_parked(db)
        assert (parked.model, parked.subject_id) == ("texts", rui)
        assert "altered" in parked.cause
        assert ask(databases, WITH_TOKENS) == [(1,)]
        faulty.broken = "nobody"
        with closing(LedgerSource(databases.app, listen=False)) as ledger:
            assert [one.left for one in retry_all(db, service, ledger)] == [0]
        assert ask(databases, WITH_TOKENS) == [(2,)]


def test_where_keys_are_away_nothing_is_skipped(backend: Backend, databases: Databases) -> None:
    faulty = Faulty(backend, KeyMissingError())
    service = search_with(faulty)
    backend.customer(name="Rui")
    with pytest.raises(KeyMissingError):
        fold(databases, service)
    faulty.broken = "nobody"
    fold(databases, service)
    assert ask(databases, WITH_TOKENS) == [(1,)]


def test_equal_histories_make_equal_tables_whatever_the_batches(
    backend: Backend, search: Service, databases: Databases
) -> None:
    for n in range(20):
        customer, _ = tell_of(backend)
        backend.do("customer.amend", customer_id=customer, reference=f"K-{n}")
        if n % 5 == 0:
            erase(backend, databases, customer)
        if n % 7 == 0:
            fold(databases, search)
    fold(databases, search)
    beside = Service("search_again", search.read_models)
    fold(databases, beside)
    with closing(connect(databases.owner, search)) as live, closing(connect(databases.owner, beside)) as again:
        assert fingerprint(live, "texts_1") == fingerprint(again, "texts_1")
