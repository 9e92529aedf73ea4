"""The eraser over PostgreSQL: it destroys the keys of whom the ledger says, follows aliases, and may be repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres.erasures import PENDING, PostgresErasures
from domain.customer.facts import ContactAdded
from domain.errors import ErasedError, RefusedError, UnavailableError
from domain.event import Event
from domain.personal import ERASED, Sealed
from streams.eraser import Eraser
from tests.backend import Backend, new_master
from tests.conftest import Databases


@pytest.fixture
def master() -> str:
    return new_master()


@pytest.fixture
def backend(databases: Databases, master: str) -> Iterator[Backend]:
    with Backend.open(databases.app, databases.keys_app, master) as backend:
        yield backend


@pytest.fixture
def other(databases: Databases, master: str) -> Iterator[Backend]:
    """Another process."""
    with Backend.open(databases.app, databases.keys_app, master) as other:
        yield other


@pytest.fixture
def erasures(databases: Databases) -> Iterator[PostgresErasures]:
    erasures = PostgresErasures(databases.app)
    yield erasures
    erasures.close()


@pytest.fixture
def eraser(backend: Backend, erasures: PostgresErasures) -> Eraser:
    return Eraser(erasures, backend.vault, backend.executor)


def tokens(events: Sequence[Event]) -> list[Sealed]:
    return [value for event in events for value in vars(event.fact).values() if isinstance(value, Sealed)]


def opened(backend: Backend) -> list[object]:
    return list(backend.vault.open(tokens(backend.ledger.read(0, 10_000))))


def living_keys(databases: Databases) -> set[UUID]:
    with psycopg.connect(databases.keys_owner) as db:
        return {person for (person,) in db.execute("select person_id from keys.person_key where wrapped is not null")}


def test_a_customer_with_aliases_contacts_and_what_was_anonymous_is_erased(
    backend: Backend, eraser: Eraser, databases: Databases
) -> None:
    a, b, other = backend.customer(name="A"), backend.customer(name="B"), backend.customer(name="Other")
    contact, ticket = uuid7(), uuid7()
    backend.do("customer.add_contact", customer_id=a, person_id=contact, name="Rui")
    backend.do("ticket.open", ticket_id=ticket, summary="broken")
    backend.do("ticket.identify_customer", ticket_id=ticket, customer_id=a)
    backend.do("ticket.note", ticket_id=ticket, content="x" * 20_000)
    backend.do("customer.merge", customer_id=a, into_id=b)
    backend.do("customer.erase", customer_id=b)
    assert eraser.run_once() == 2
    assert [value for value in opened(backend) if value is not ERASED] == ["Other"]
    assert living_keys(databases) == {other}
    assert eraser.run_once() == 0
    with pytest.raises(ErasedError):
        backend.do("customer.amend", customer_id=b, name="B again")
    with pytest.raises(ErasedError):
        backend.do("ticket.note", ticket_id=ticket, content="she called")


def test_one_contacts_erasure_leaves_the_customer_and_the_other_contacts(backend: Backend, eraser: Eraser) -> None:
    a, rui, eva = backend.customer(name="Acme"), uuid7(), uuid7()
    for person, name in ((rui, "Rui"), (eva, "Eva")):
        backend.do("customer.add_contact", customer_id=a, person_id=person, name=name)
    backend.do("customer.erase", customer_id=a, person_id=rui)
    eraser.run_once()
    assert opened(backend) == ["Acme", ERASED, "Eva"]


def test_an_employee_is_erased_and_the_colleagues_stay(backend: Backend, eraser: Eraser, databases: Databases) -> None:
    eva, rui = uuid7(), uuid7()
    for employee_id, name in ((eva, "Eva"), (rui, "Rui")):
        backend.do("employee.hire", employee_id=employee_id, name=name)
    backend.do("employee.erase", employee_id=eva)
    assert eraser.run_once() == 1
    assert opened(backend) == [ERASED, "Rui"]
    assert living_keys(databases) == {rui}
    assert eraser.run_once() == 0
    with pytest.raises(ErasedError):
        backend.do("employee.amend", employee_id=eva, name="Eva again")


def test_erasures_are_found_by_their_own_index(databases: Databases) -> None:
    """Or each turn of the eraser would read the whole ledger."""
    with psycopg.connect(databases.owner) as db:
        db.execute("set enable_seqscan = off")
        plan = db.execute("explain " + PENDING.replace("$1::int8", "100")).fetchall()
    assert any("fact_erasure" in line for (line,) in plan), plan


def test_one_destroyed_key_makes_its_table_due_for_a_vacuum(databases: Databases) -> None:
    with psycopg.connect(databases.keys_owner) as db:
        [(options,)] = db.execute("select reloptions from pg_class where oid = 'keys.person_key'::regclass").fetchall()
    assert set(options) == {"autovacuum_vacuum_threshold=0", "autovacuum_vacuum_scale_factor=0"}


@pytest.mark.parametrize("moment", ["before the keys", "after the keys", "after the aliases"])
def test_a_crash_at_any_step_is_made_good_by_the_next_turn(
    backend: Backend, erasures: PostgresErasures, databases: Databases, moment: str
) -> None:
    class DiedError(UnavailableError):
        """The process died."""

    class DyingKeys:
        """The vault, until it dies at the moment given."""

        derive_id, seal, open, fingerprint = (
            backend.vault.derive_id,
            backend.vault.seal,
            backend.vault.open,
            backend.vault.fingerprint,
        )

        def erase(self, person_ids: Sequence[UUID]) -> None:
            if moment == "after the keys":
                backend.vault.erase(person_ids)
            if moment != "after the aliases":
                raise DiedError
            backend.vault.erase(person_ids)

    class DyingErasures:
        pending, identified_as = erasures.pending, erasures.identified_as

        def done(self, position: int) -> None:
            del position
            raise DiedError

    a, b = backend.customer(name="A"), backend.customer(name="B")
    backend.do("customer.merge", customer_id=a, into_id=b)
    backend.do("customer.erase", customer_id=b)
    for _ in range(2):
        with pytest.raises(DiedError):
            Eraser(DyingErasures(), DyingKeys(), backend.executor).run_once()
    assert Eraser(erasures, backend.vault, backend.executor).run_once() == 2
    assert opened(backend) == [ERASED, ERASED]
    assert living_keys(databases) == set()
    kinds = [event.type for event in backend.ledger.read(4, 100)]
    assert kinds == ["crm.customer.person_erased.v1"] * 2


def test_two_erasers_at_once_do_it_once(databases: Databases, master: str, backend: Backend) -> None:
    customers = [backend.customer(name=f"Customer {n}") for n in range(20)]
    for alias, survivor in zip(customers[::2], customers[1::2], strict=True):
        backend.do("customer.merge", customer_id=alias, into_id=survivor)
        backend.do("customer.erase", customer_id=survivor)

    def erase(_: int) -> None:
        erasures = PostgresErasures(databases.app)
        with Backend.open(databases.app, databases.keys_app, master) as own:
            Eraser(erasures, own.vault, own.executor).run_once()
        erasures.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(erase, range(2)))
    kinds = [event.type for event in backend.ledger.read(0, 1_000)]
    assert kinds.count("crm.customer.person_erased.v1") == 20
    assert set(opened(backend)) == {ERASED}
    assert living_keys(databases) == set()


def test_an_erasure_that_races_with_many_writers_leaves_nothing_readable_and_no_key(
    databases: Databases, backend: Backend, other: Backend, eraser: Eraser
) -> None:
    """The writers go on in two processes' worth of caches while the erasure is decided and carried out."""
    customer_id, ticket_id = backend.customer(name="Ana"), uuid7()
    backend.do("ticket.open", ticket_id=ticket_id, customer_id=customer_id, summary="broken")
    stop, refusals = threading.Event(), list[type[RefusedError]]()

    def write(thread: int) -> int:
        own, written = (backend, other)[thread % 2], 0
        while not stop.is_set():
            try:
                if thread % 4 < 2:
                    own.do("ticket.note", ticket_id=ticket_id, content=f"said {thread}/{written}")
                else:
                    person, name = uuid7(), f"contact {thread}/{written}"
                    own.do("customer.add_contact", customer_id=customer_id, person_id=person, name=name)
                written += 1
            except RefusedError as error:
                refusals.append(type(error))
                if thread % 4 >= 2:
                    break
        return written

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, thread) for thread in range(8)]
        time.sleep(0.5)
        backend.do("customer.erase", customer_id=customer_id)
        eraser.run_once()
        time.sleep(0.3)
        stop.set()
        assert sum(writer.result() for writer in writers) > 0
    assert set(refusals) <= {ErasedError}
    other.vault.forget()
    for reader in (backend, other):
        assert set(opened(reader)) == {ERASED}
    facts = [event.fact for event in backend.ledger.read(0, 10_000)]
    persons = {customer_id, *(fact.person_id for fact in facts if isinstance(fact, ContactAdded))}
    assert living_keys(databases) & persons == set()


def test_it_runs_until_it_is_stopped_and_goes_on_after_the_database_was_away(
    databases: Databases, backend: Backend, eraser: Eraser
) -> None:
    stop = threading.Event()
    runner = threading.Thread(target=eraser.run, args=[stop])
    runner.start()
    customer_id = backend.customer(name="Ana")
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("select pg_terminate_backend(pid) from pg_stat_activity "
                   "where datname = current_database() and pid <> pg_backend_pid()")  # fmt: skip
    backend.do("customer.erase", customer_id=customer_id)
    deadline = time.monotonic() + 10
    while living_keys(databases) and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    runner.join()
    assert living_keys(databases) == set()
