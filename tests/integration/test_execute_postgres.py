"""Commands over PostgreSQL: from many threads and processes nothing is lost, doubled or out of order."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.ids import uuid7
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from domain.customer.facts import NeedNoted
from domain.errors import ConflictError, MergedError, RefusedError, VersionError
from domain.execute import Context, Outcome
from streams.checkpoints.audit import audit_ledger
from streams.checkpoints.checkpointer import Checkpointer
from tests.backend import Backend, new_master, order
from tests.conftest import Databases

THREADS = 16
EACH = 40


@pytest.fixture
def backends(databases: Databases) -> Iterator[list[Backend]]:
    """Two processes' worth of caches over one pair of databases."""
    master = new_master()
    backends = [Backend.open(databases.app, databases.keys_app, master) for _ in range(2)]
    yield backends
    for backend in backends:
        backend.close()


def test_sixteen_threads_on_a_few_hot_streams_lose_no_update(backends: list[Backend], databases: Databases) -> None:
    customers = [backends[0].customer(name=f"Customer {n}") for n in range(3)]
    start = threading.Barrier(THREADS)

    def work(thread: int) -> list[tuple[UUID, str, Outcome]]:
        chance, done = random.Random(thread), list[tuple[UUID, str, Outcome]]()
        start.wait()
        for n in range(EACH):
            customer_id, need = chance.choice(customers), f"{thread}/{n}"
            backend = backends[chance.randrange(2)]
            done.append((customer_id, need, backend.do("customer.note_need", customer_id=customer_id, need=need)))
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        results = [result for done in pool.map(work, range(THREADS)) for result in done]
    ledger = backends[0].ledger
    events = {event.position: event for event in ledger.read(0, 10_000)}
    assert len(events) == 3 + THREADS * EACH
    for customer_id, need, outcome in results:
        [place] = outcome.places
        event = events[place.position]
        assert (event.stream_id, event.stream_version, event.partition_seq) == (
            customer_id,
            outcome.version,
            place.partition_seq,
        )
        assert isinstance(event.fact, NeedNoted)
        assert event.fact.need == need
        assert event.command_id == outcome.command_id
    assert_sound(databases)


def test_of_many_threads_that_order_the_same_one_is_heard_and_the_others_learn_it(
    backends: list[Backend], databases: Databases
) -> None:
    """Each round all give the same change of stage: one writes it, for the others nothing has to change."""
    customer_id = backends[0].customer()
    start = threading.Barrier(THREADS)

    def work(thread: int) -> list[int]:
        written: list[int] = []
        for stage in ("customer", "lapsed", "prospect", "customer", "lapsed"):
            start.wait()
            outcome = backends[thread % 2].do("customer.change_stage", customer_id=customer_id, stage=stage)
            written.append(len(outcome.places))
            start.wait()
        return written

    with ThreadPoolExecutor(THREADS) as pool:
        rounds = zip(*pool.map(work, range(THREADS)), strict=True)
        assert [sum(written) for written in rounds] == [1] * 5
    assert_sound(databases)


def test_the_same_command_from_many_threads_happens_once_and_all_get_its_outcome(
    backends: list[Backend], databases: Databases
) -> None:
    customer_id = backends[0].customer()
    contexts = [Context(uuid7(), "tester") for _ in range(20)]
    start = threading.Barrier(THREADS)

    def work(thread: int) -> list[Outcome]:
        start.wait()
        needs = [order("customer.note_need", customer_id=customer_id, need=str(n)) for n in range(len(contexts))]
        return [
            backends[thread % 2].executor.execute(need, context) for need, context in zip(needs, contexts, strict=True)
        ]

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(work, range(THREADS)))
    for same in zip(*outcomes, strict=True):
        assert len({tuple(outcome.places) for outcome in same}) == 1
        assert Counter(outcome.repeated for outcome in same) == {False: 1, True: THREADS - 1}
    assert backends[0].ledger.last_position() == 1 + len(contexts)
    assert_sound(databases)


def test_expected_versions_let_one_of_many_through(backends: list[Backend], databases: Databases) -> None:
    customer_id = backends[0].customer()
    start = threading.Barrier(THREADS)

    def work(thread: int) -> list[str]:
        verdicts: list[str] = []
        for version in range(1, 11):
            start.wait()
            context = Context(uuid7(), "tester", expected_version=version)
            try:
                backends[thread % 2].do(
                    "customer.note_need", context, customer_id=customer_id, need=f"{thread}/{version}"
                )
                verdicts.append("written")
            except VersionError:
                verdicts.append("stale")
        return verdicts

    with ThreadPoolExecutor(THREADS) as pool:
        for verdicts in zip(*pool.map(work, range(THREADS)), strict=True):
            assert Counter(verdicts) == {"written": 1, "stale": THREADS - 1}
    assert_sound(databases)


def test_merges_that_cross_leave_no_circle_and_no_half(backends: list[Backend], databases: Databases) -> None:
    """a into b and b into a at once: one wins whole, the other is refused."""
    for _ in range(10):
        a, b = backends[0].customer(), backends[0].customer()
        start = threading.Barrier(2)

        def merge(pair: tuple[Backend, UUID, UUID], start: threading.Barrier = start) -> str:
            start.wait()
            try:
                pair[0].do("customer.merge", customer_id=pair[1], into_id=pair[2])
            except (MergedError, ConflictError):
                return "refused"
            return "merged"

        with ThreadPoolExecutor(2) as pool:
            verdicts = list(pool.map(merge, [(backends[0], a, b), (backends[1], b, a)]))
        assert sorted(verdicts) == ["merged", "refused"]
        kinds = sorted(event.type for event in backends[0].ledger.load([a, b]))
        assert kinds[:1] + kinds[-2:] == [
            "crm.customer.absorbed.v1",
            "crm.customer.registered.v1",
            "crm.customer.registered.v1",
        ]
        assert kinds[1] == "crm.customer.merged.v1"
    assert_sound(databases)


def test_batches_beside_single_commands_are_whole_and_in_order(backends: list[Backend], databases: Databases) -> None:
    shared = backends[0].customer()
    start = threading.Barrier(8)

    def work(thread: int) -> list[Outcome | RefusedError]:
        start.wait()
        if thread % 2:
            return [backends[0].do("customer.note_need", customer_id=shared, need=f"{thread}/{n}") for n in range(30)]
        new = [uuid7() for _ in range(10)]
        batch = [("customer.register", {"customer_id": customer_id, "name": "Ana"}) for customer_id in new]
        batch += [("customer.note_need", {"customer_id": shared, "need": f"{thread}/{n}"}) for n in range(10)]
        batch += [("customer.register", {"customer_id": new[0]})]
        return list(
            backends[1].executor.execute_all(
                [(order(name, **fields), Context(uuid7(), "importer")) for name, fields in batch]
            )
        )

    with ThreadPoolExecutor(8) as pool:
        for thread, verdicts in enumerate(pool.map(work, range(8))):
            accepted = [verdict for verdict in verdicts if isinstance(verdict, Outcome)]
            assert len(accepted) == (30 if thread % 2 else 20)
            positions = [place.position for outcome in accepted for place in outcome.places]
            if not thread % 2:
                assert positions == list(range(positions[0], positions[0] + 20))
    needs = [event.fact.need for event in backends[0].ledger.load([shared]) if isinstance(event.fact, NeedNoted)]
    assert len(needs) == len(set(needs)) == 4 * 30 + 4 * 10
    assert_sound(databases)


def assert_sound(databases: Databases) -> None:
    store = PostgresCheckpointStore(databases.app)
    try:
        checkpointer = Checkpointer(store, "relato.test/ledger", Ed25519PrivateKey.generate())
        checkpointer.cover_all()
        report = audit_ledger(store, store, checkpointer.verifier)
        assert report.problems == []
        assert report.covered == report.rows > 0
    finally:
        store.close()
