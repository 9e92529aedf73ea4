"""Whatever is killed or away: an erasure is whole or not begun, a key that is away is no erasure, nothing is clear."""

from __future__ import annotations

import base64
import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.keys.master import MasterKeyError
from adapters.keys.vault import SealingVault
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.server import PostgresServer
from domain.errors import ErasedError, RelatoError, UnavailableError
from domain.execute import Context
from domain.personal import ERASED, Purpose, Sealed, Secret
from streams.eraser import Eraser
from tests.backend import Backend, new_master, order
from tests.conftest import Databases
from tests.erasing import Plan
from tests.faults.under_load import kill_under_load

SERVICE = Purpose.SERVICE


def keys_alive(own: Databases) -> set[UUID]:
    with psycopg.connect(own.keys_owner) as db:
        return {person for (person,) in db.execute("select person_id from keys.person_key where wrapped is not null")}


def tombstones(own: Databases) -> set[UUID]:
    with psycopg.connect(own.keys_owner) as db:
        return {person for (person,) in db.execute("select person_id from keys.tombstone")}


def opened(backend: Backend) -> list[object]:
    facts = [event.fact for event in backend.ledger.read(0, 100_000)]
    return list(
        backend.vault.open([value for fact in facts for value in vars(fact).values() if isinstance(value, Sealed)])
    )


@contextmanager
def keys_away(own: Databases, server: PostgresServer) -> Iterator[None]:
    """The key database takes nobody in and has thrown everybody out; the ledger's goes on."""
    with psycopg.connect(own.keys_owner) as db:
        name = db.info.dbname
    with psycopg.connect(server.dsn(), autocommit=True) as db:
        db.execute(f"alter database {name} allow_connections false".encode())
        db.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        yield
        db.execute(f"alter database {name} allow_connections true".encode())


class TestKeysAway:
    def test_nothing_is_sealed_or_opened_and_nothing_is_said_to_be_erased(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        ana, erased = backend.customer(name="Ana"), backend.customer(name="Rui")
        backend.vault.erase([erased])
        tokens = [value for event in backend.ledger.read(0, 9) if isinstance(value := vars(event.fact)["name"], Sealed)]
        attempts: list[Callable[[], object]] = [
            lambda: backend.vault.open(tokens[:1]),
            lambda: backend.vault.open(tokens[1:]),
            lambda: backend.vault.seal([Secret(ana, SERVICE, "Ana")]),
            lambda: backend.vault.seal([Secret(uuid7(), SERVICE, "Eva")]),
            lambda: backend.vault.erased([erased]),
            lambda: backend.vault.erase([ana]),
            lambda: backend.do("customer.amend", customer_id=ana, name="Ana Maria"),
        ]

        def fails(attempt: Callable[[], object]) -> str:
            with pytest.raises(UnavailableError) as refusal:
                attempt()
            return str(refusal.value)

        with keys_away(own, server):
            await_loss(backend.vault, tokens[0])
            position = backend.ledger.last_position()
            with ThreadPoolExecutor(len(attempts)) as pool:
                messages = list(pool.map(fails, attempts))
            assert backend.do("customer.note_need", customer_id=ana, need="roof").version == 2  # nothing personal in it
            assert backend.ledger.last_position() == position + 1
        assert all("PostgreSQL" in message for message in messages)
        since = time.monotonic()
        while True:
            with suppress(UnavailableError):
                assert backend.vault.open(tokens) == ["Ana", ERASED]
                break
        assert time.monotonic() - since < 20
        assert backend.do("customer.amend", customer_id=ana, name="Ana Maria").version == 3

    def test_a_key_that_is_missing_or_wrapped_by_another_master_is_no_erasure(
        self, own: Databases, backend: Backend
    ) -> None:
        backend.customer(name="Ana")
        with pytest.raises(MasterKeyError):
            Backend.open(own.app, own.keys_app, new_master())
        with psycopg.connect(own.keys_owner) as db:
            db.execute("alter table keys.person_key disable trigger keys_stay")
            db.execute("delete from keys.person_key")
        backend.vault.forget()
        with pytest.raises(UnavailableError, match="missing from the key store"):
            opened(backend)


def await_loss(vault: SealingVault, token: Sealed) -> None:
    """Until the cached keys are forgotten, because the session that tells of erasures is gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if vault._by_id.get(UUID(bytes=base64.urlsafe_b64decode(str(token)[3:] + "==")[:16])) is None:
            return
        time.sleep(0.02)
    raise AssertionError("the keys are still remembered")


class TestKilledEraser:
    @pytest.mark.parametrize("moment", ["before the keys", "after the keys", "after the aliases"])
    def test_the_next_one_makes_it_good(
        self, own: Databases, backend: Backend, master: str, tmp_path: Path, moment: str
    ) -> None:
        alias, survivor, other = (backend.customer(name=name) for name in ("A", "B", "Other"))
        backend.do("customer.merge", customer_id=alias, into_id=survivor)
        backend.do("customer.erase", customer_id=survivor)
        for _ in range(2):
            self.run(Plan(own.app, own.keys_app, master, moment), tmp_path, -signal.SIGKILL)
            assert keys_alive(own) & tombstones(own) == set()
        self.run(Plan(own.app, own.keys_app, master, "never"), tmp_path, 0)
        backend.vault.forget()
        assert opened(backend) == [ERASED, ERASED, "Other"]
        assert (keys_alive(own), tombstones(own)) == ({other}, {alias, survivor})
        kinds = [event.type for event in backend.ledger.read(0, 100)]
        assert kinds.count("crm.customer.person_erased.v1") == 2

    @staticmethod
    def run(plan: Plan, folder: Path, expected: int) -> None:
        process = plan.start(folder)
        try:
            assert process.wait(60) == expected
        finally:
            process.kill()
            process.wait()

    def test_killed_while_it_waits_to_destroy_it_has_destroyed_nothing(
        self, own: Databases, backend: Backend, master: str, tmp_path: Path
    ) -> None:
        customer_id = backend.customer(name="Ana")
        backend.do("customer.erase", customer_id=customer_id)
        with psycopg.connect(own.keys_owner, autocommit=True) as db:
            db.execute("select pg_advisory_lock_shared(7307)")  # somebody makes keys
            process = Plan(own.app, own.keys_app, master, "never").start(tmp_path)
            waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
            while not db.execute(waiting).fetchone() and process.poll() is None:
                time.sleep(0.01)
            process.kill()
            assert process.wait() == -signal.SIGKILL
            terminate = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted"
            while db.execute(terminate).fetchall():  # PostgreSQL has not noticed yet that its client died
                time.sleep(0.01)
        assert (keys_alive(own), tombstones(own)) == ({customer_id}, set())
        self.run(Plan(own.app, own.keys_app, master, "never"), tmp_path, 0)
        assert (keys_alive(own), tombstones(own)) == (set(), {customer_id})


class TestKilledServer:
    def test_an_erasure_is_whole_or_not_begun_and_what_was_sealed_can_be_opened(
        self, server: PostgresServer, own: Databases, backend: Backend
    ) -> None:
        """Keys are durable before the facts that need them; a tombstone stands exactly where a key is destroyed."""
        stop, erased, lock = threading.Event(), list[UUID](), threading.Lock()

        def work() -> None:
            while not stop.is_set():
                customer_id, context = uuid7(), Context(uuid7(), "tester")
                with suppress(UnavailableError):
                    fields = {"customer_id": customer_id, "name": "Ana", "reference": "x" * 150}
                    backend.executor.execute(order("customer.register", **fields), context)
                    backend.do("interaction.take_note", interaction_id=uuid7(), customer_id=customer_id,
                               kind="factual", content="y" * 12_000)  # fmt: skip
                    backend.vault.erase([customer_id])
                    with lock:
                        erased.append(customer_id)

        kill_under_load(server, [work] * 6, stop, done=erased, kills=2, each=15, rest=45)
        assert set(erased) <= tombstones(own)
        assert keys_alive(own) & tombstones(own) == set()
        backend.vault.forget()
        assert set(opened(backend)) <= {ERASED, "Ana", "x" * 150, "y" * 12_000}


class TestErasureRacingAppends:
    def test_after_the_erasure_nothing_sealed_before_or_since_opens(
        self, own: Databases, backend: Backend, master: str
    ) -> None:
        other = Backend.open(own.app, own.keys_app, master)
        stop, go_on = threading.Event(), threading.Barrier(9)
        people = [backend.customer(name=f"Customer {n}") for n in range(8)]

        def write(thread: int) -> None:
            own_backend, person = (backend, other)[thread % 2], people[thread]
            go_on.wait()
            while not stop.is_set():
                with suppress(ErasedError):
                    interaction = {"interaction_id": uuid7(), "customer_id": person, "kind": "factual"}
                    own_backend.do("interaction.take_note", content=f"said {uuid7()}", **interaction)

        erasures = PostgresErasures(own.app)
        with ThreadPoolExecutor(8) as pool:
            writers = [pool.submit(write, thread) for thread in range(8)]
            go_on.wait()
            for person in people:
                other.do("customer.erase", customer_id=person)
                Eraser(erasures, backend.vault, backend.executor).run_once()
            stop.set()
            for writer in writers:
                writer.result(60)
        erasures.close()
        assert keys_alive(own) == set()
        other.vault.forget()
        for reader in (backend, other):
            assert set(opened(reader)) == {ERASED}
        other.close()


PLANTED = {
    "name": "Zoraida Quitéria Plantada",
    "reference": "REF-ZQP-77341",
    "contact": "Policarpo Escondido",
    "email": "zoraida.plantada@example.invalid",
    "note": "confidential: the roof of Zoraida leaks since the wedding",
    "summary": "Zoraida cannot sleep because of the heat pump",
    "content": "long confession of Zoraida " * 4_000,
    "field": "favourite colour ultramarine-ZQP",
}
CLEAR = "a-need-that-is-no-secret"


class TestPlantedValues:
    def test_no_planted_value_is_on_the_disk_even_before_the_erasure(
        self, server: PostgresServer, own: Databases, backend: Backend, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        plant(backend)
        provoke_errors(backend, own)
        with psycopg.connect(server.dsn(), autocommit=True) as db:
            db.execute("checkpoint")
        files = [path for path in server.data.rglob("*") if path.is_file()] + [server.log]
        contents = {path: path.read_bytes() for path in files}
        assert any(CLEAR.encode() in content for path, content in contents.items() if "base" in path.parts)
        assert any(path.parent.name == "pg_wal" for path in files)
        marks = [mark for value in PLANTED.values() for mark in marks_of(value)]
        found = [(path.name, mark) for path, content in contents.items() for mark in marks if mark in content]
        assert found == []
        assert not any(value[:40] in caplog.text for value in PLANTED.values())


def plant(backend: Backend) -> None:
    """Each value by a command of its own kind, one by one and in a batch."""
    customer_id, contact_id, ticket_id, field_id = (uuid7() for _ in range(4))
    p = PLANTED
    backend.do("customer.register", customer_id=customer_id, name=p["name"], reference=p["reference"])
    backend.do("customer.add_contact", customer_id=customer_id, person_id=contact_id, name=p["contact"])
    backend.do("customer.add_contact_point", customer_id=customer_id, channel="email", value=p["email"])
    backend.do("customer.note_need", customer_id=customer_id, need=CLEAR, note=p["note"])
    backend.do("field.define", field_id=field_id, name="colour")
    backend.do("customer.set_field", customer_id=customer_id, field_id=field_id, value=p["field"])
    backend.do("ticket.open", ticket_id=ticket_id, customer_id=customer_id, summary=p["summary"])
    note = {"interaction_id": uuid7(), "customer_id": customer_id, "kind": "factual", "content": p["content"]}
    batch = [order("interaction.take_note", **note), order("ticket.note", ticket_id=ticket_id, content=p["note"])]
    assert len(backend.executor.execute_all([(command, Context(uuid7(), "importer")) for command in batch])) == 2


def provoke_errors(backend: Backend, own: Databases) -> None:
    """Statements that fail and sessions that are cut with planted values under way, so that a log could tell."""
    with suppress(RelatoError):
        backend.do("customer.register", Context(uuid7(), "act\0or"), customer_id=uuid7(), name=PLANTED["name"])
    with suppress(RelatoError):
        backend.do("customer.add_contact", customer_id=uuid7(), person_id=uuid7(), name=PLANTED["contact"])
    with psycopg.connect(own.owner, autocommit=True) as db, ThreadPoolExecutor(1) as pool:
        for end in ("pg_cancel_backend", "pg_terminate_backend"):
            db.execute("select pg_advisory_lock(7305)")
            fields = {"customer_id": uuid7(), "name": PLANTED["name"], "reference": PLANTED["reference"]}
            waiting = pool.submit(backend.do, "customer.register", None, **fields)
            blocked = f"select {end}(pid) from pg_locks where locktype = 'advisory' and not granted"
            while not db.execute(blocked.encode()).fetchone():
                time.sleep(0.01)
            db.execute("select pg_advisory_unlock(7305)")
            with suppress(RelatoError):
                waiting.result(30)


def marks_of(value: str) -> list[bytes]:
    """How a value would show: as it is, as JSON, in UTF-16, in hex, and in base64 at each of the three offsets."""
    clear = value[:60].encode()
    marks = [clear, json.dumps(value)[1:50].encode(), value[:40].encode("utf-16-le"), clear.hex().encode()]
    return marks + [base64.b64encode(b"." * offset + clear)[4:-4] for offset in range(3)]
