"""The checkpointer over PostgreSQL: what it signs is what is there, whoever runs beside it; what is altered shows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.ids import uuid7
from adapters.postgres.checkpoint_store import PostgresCheckpointStore
from adapters.postgres.ledger import PostgresLedger
from domain.canonical import COLUMNS, canonical, row_hash
from domain.errors import UnavailableError
from domain.ports import Append
from streams.checkpoints import checkpointer as module
from streams.checkpoints.audit import audit_ledger
from streams.checkpoints.bundle import Fault, make_bundle, read_ends, verify_bundle
from streams.checkpoints.checkpointer import Checkpointer, Head, SupersededError
from streams.checkpoints.merkle import Frontier, Nodes, StoredNode
from streams.checkpoints.note import Checkpoint, Verifier, open_note
from streams.checkpoints.record import read_record
from streams.checkpoints.subjects import BucketTree, DamagedTreeError, Growth, root_in
from tests.conftest import Databases
from tests.contracts.ledger_contract import A_FACT, append_one, write

NAME = "relato.test/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAMES = [name for name, _ in COLUMNS]


@pytest.fixture
def store(databases: Databases) -> Iterator[PostgresCheckpointStore]:
    store = PostgresCheckpointStore(databases.app)
    yield store
    store.close()


@pytest.fixture
def checkpointer(store: PostgresCheckpointStore) -> Checkpointer:
    return Checkpointer(store, NAME, KEY)


def fill(ledger: PostgresLedger, rows: int, subject: UUID | None = None) -> None:
    while rows:
        stream, count = uuid7(), min(rows, 250)
        ledger.append(Append([write(*[A_FACT] * count, stream=stream, subject=subject)], {stream: 0}))
        rows -= count


def problems(store: PostgresCheckpointStore, checkpointer: Checkpointer) -> list[str]:
    return list(audit_ledger(store, store, checkpointer.verifier).problems)


def test_everything_is_covered_and_a_step_without_news_signs_nothing(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer
) -> None:
    assert checkpointer.step().note is None
    fill(ledger, 700)
    head = checkpointer.cover_all()
    assert head.note is not None
    assert open_note(head.note, checkpointer.verifier).size == 700
    assert checkpointer.step() == head
    fill(ledger, 3)
    checkpointer.step()
    report = audit_ledger(store, store, checkpointer.verifier)
    assert (report.rows, report.covered, report.checkpoints, report.problems) == (703, 703, 2, [])


def test_a_backlog_is_covered_in_steps(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_STEP", 300)
    fill(ledger, 1_000)
    checkpointer.cover_all()
    assert [open_note(note, checkpointer.verifier).size for note in store.notes()] == [300, 600, 900, 1000]
    assert problems(store, checkpointer) == []


def test_two_checkpointers_at_once_agree(ledger: PostgresLedger, databases: Databases) -> None:
    stores = [PostgresCheckpointStore(databases.app) for _ in range(2)]
    pair = [Checkpointer(store, NAME, KEY) for store in stores]
    filled, superseded = threading.Event(), [0, 0]

    def run(n: int) -> None:
        last_round = False
        while not last_round:
            last_round = filled.is_set()
            try:
                pair[n].cover_all()
            except SupersededError:
                superseded[n] += 1
                last_round = False

    threads = [threading.Thread(target=run, args=[n]) for n in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        fill(ledger, 50)
    filled.set()
    for thread in threads:
        thread.join()
    report = audit_ledger(stores[0], stores[0], pair[0].verifier)
    assert (report.rows, report.covered, report.problems) == (2_000, 2_000, [])
    for store in stores:
        store.close()


def test_the_slower_of_two_learns_of_the_other_and_goes_on_from_there(
    ledger: PostgresLedger, databases: Databases
) -> None:
    first, second = (PostgresCheckpointStore(databases.app) for _ in range(2))
    fast, slow = Checkpointer(first, NAME, KEY), Checkpointer(second, NAME, KEY)
    fill(ledger, 10)
    fast.step()
    slow.step()
    fill(ledger, 290)
    fast.step()
    with pytest.raises(SupersededError):
        slow.step()
    fill(ledger, 300)
    assert slow.step().frontier.size == 600
    with pytest.raises(SupersededError):
        fast.step()
    assert fast.step().frontier.size == 600
    assert problems(first, fast) == []
    first.close()
    second.close()


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_crash_between_signing_and_storing_loses_and_forks_nothing(
    ledger: PostgresLedger, store: PostgresCheckpointStore, databases: Databases, moment: str
) -> None:
    class CrashedError(UnavailableError):
        """The process died."""

    class CrashingStore(PostgresCheckpointStore):
        def add(self, checkpoint: Checkpoint, head: Head, nodes: Sequence[StoredNode], growth: Growth | None) -> None:
            if moment == "after the commit":
                store.add(checkpoint, head, nodes, growth)
            raise CrashedError

    fill(ledger, 600)
    crashing = CrashingStore(databases.app)
    with pytest.raises(CrashedError):
        Checkpointer(crashing, NAME, KEY).step()
    crashing.close()
    fill(ledger, 5)
    after = Checkpointer(store, NAME, KEY)
    assert after.cover_all().frontier.size == 605
    assert problems(store, after) == []


def test_a_fact_is_covered_within_one_and_a_half_seconds(ledger: PostgresLedger, checkpointer: Checkpointer) -> None:
    stop, signed = threading.Event(), list[tuple[float, int]]()

    def note(text: str) -> None:
        signed.append((time.monotonic(), open_note(text, checkpointer.verifier).size))

    thread = threading.Thread(target=checkpointer.run, args=[stop, note])
    thread.start()
    written: list[float] = []
    for _ in range(25):
        append_one(ledger, uuid7(), 0)
        written.append(time.monotonic())
        time.sleep(0.1)
    time.sleep(1.5)
    stop.set()
    thread.join()
    delays = [min(at for at, size in signed if size > n) - since for n, since in enumerate(written)]
    assert max(delays) < 1.5
    assert len(signed) < 8


def test_it_goes_on_when_the_database_comes_back(databases: Databases, ledger: PostgresLedger) -> None:
    """Its sessions are cut again and again while it runs."""
    store = PostgresCheckpointStore(databases.app)
    checkpointer, stop = Checkpointer(store, NAME, KEY), threading.Event()
    thread = threading.Thread(target=checkpointer.run, args=[stop])
    thread.start()
    with psycopg.connect(databases.owner, autocommit=True) as db:
        for _ in range(3):
            append_one(ledger, uuid7(), 0)
            db.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
                       "and pid <> pg_backend_pid()")  # fmt: skip
            time.sleep(0.2)
    deadline = time.monotonic() + 10
    while store.newest().frontier.size < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()
    assert store.newest().frontier.size == 3
    store.close()


def test_the_hash_that_postgresql_makes_is_the_domains(ledger: PostgresLedger, databases: Databases) -> None:
    fill(ledger, 20)
    for event in ledger.read(0, 100):
        assert event.hash == row_hash(event)
    query = f"select record_send(row({', '.join(NAMES)})) from ledger.fact order by position"
    with psycopg.connect(databases.app) as db:
        records = [bytes(record) for (record,) in db.execute(query.encode(), binary=True)]
    assert records == [canonical(event) for event in ledger.read(0, 100)]
    [first] = ledger.read(0, 1)
    assert read_record(records[0], NAMES) == {name: _bare(getattr(first, name)) for name in NAMES}


def _bare(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def test_a_subjects_bundle_verifies_offline_and_an_altered_one_does_not(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer
) -> None:
    subject = uuid7()
    fill(ledger, 300)
    fill(ledger, 5, subject=subject)
    fill(ledger, 300)
    fill(ledger, 2, subject=subject)
    head = checkpointer.cover_all()
    assert store.subjects is not None
    history = ledger.read_subject(subject, 0, 100)
    nodes = Nodes(store, store, head.frontier.size)
    records = [(event.position - 1, canonical(event)) for event in history]
    note, ends = read_ends(store.subjects, [subject])
    assert note == head.note
    document = make_bundle(note, checkpointer.verifier, NAMES, records, nodes, end=ends[subject])
    trusted = str(checkpointer.verifier)
    report = verify_bundle(json.loads(json.dumps(document)), trusted, columns=NAMES)
    assert (report.is_proven, report.is_whole) == (True, True)
    assert [row["subject_seq"] for row in report.rows] == list(range(1, 8))
    altered = [(index, record.replace(b"ordered", b"orderee")) for index, record in records]
    left_out = [records[0], *records[2:]]
    for forged, fault in ((altered, Fault.ALTERED), (left_out, Fault.OUT_OF_ORDER), (records[:-1], Fault.CUT)):
        document = make_bundle(note, checkpointer.verifier, NAMES, forged, nodes, end=ends[subject])
        assert fault in {problem.fault for problem in verify_bundle(document, trusted, columns=NAMES).problems}


TAMPERINGS = (
    ("update ledger.fact set data = '{}' where position = 7", "1 rows: altered after it was hashed"),
    ("update ledger.fact set occurred_at = occurred_at - interval '1 day' where position = 7", "altered"),
    ("update ledger.fact set hash = sha256('') where position = 7", "not those that were signed"),
    ("update ledger.fact set recorded_at = recorded_at + interval '9 s' where position = 7", "in front"),
    ("delete from ledger.fact where position = 7", "a gap in position"),
    ("delete from ledger.fact where position > 295", "the ledger has 295 rows, but 300 were signed"),
    ("truncate ledger.fact", "the ledger has 0 rows, but 300 were signed"),
    ("update ledger.fact set partition = partition # 1 where position = 7", "the wrong partition"),
    ("update ledger.fact set subject_id = gen_random_uuid() where position = 7", "another subject"),
    ("update ledger.fact set stream_version = 9999 where position = 7", "a gap in a stream"),
    ("update ledger.fact set subject_seq = 9999 where position = 7", "a gap in a subject"),
    ("update ledger.fact set partition_seq = 9999 where position = 7", "a gap in a partition"),
)


def test_what_the_owner_alters_behind_the_trigger_is_found(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer, databases: Databases
) -> None:
    subject = UUID(int=uuid7().int & ~63)  # one partition, so that no tampering runs into a number that is taken
    for rows in (200, 100):
        fill(ledger, rows, subject)
        checkpointer.step()
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("create table kept as table ledger.fact")
        db.execute("alter table ledger.fact disable trigger append_only")
        for statement, found in TAMPERINGS:
            assert problems(store, checkpointer) == []
            db.execute(statement.encode())
            told = problems(store, checkpointer)
            assert any(found in problem for problem in told), (statement, told)
            db.execute("truncate ledger.fact")
            db.execute("insert into ledger.fact table kept")


@pytest.mark.parametrize("position", [7, 250])
def test_a_row_altered_with_its_hash_is_found_by_the_signed_roots(
    ledger: PostgresLedger,
    store: PostgresCheckpointStore,
    checkpointer: Checkpointer,
    databases: Databases,
    position: int,
) -> None:
    fill(ledger, 300)
    checkpointer.step()
    columns = ", ".join(NAMES)
    with psycopg.connect(databases.owner) as db:
        db.execute("alter table ledger.fact disable trigger append_only")
        db.execute(f"update ledger.fact set actor = 'me' where position = {position}".encode())
        db.execute(f"update ledger.fact set hash = sha256(record_send(row({columns}))) "
                   f"where position = {position}".encode())  # fmt: skip
    assert set(store.faults().values()) == {0}
    assert problems(store, checkpointer) == ["the rows up to 300 are not those that were signed"]


def test_rows_covered_before_there_was_a_tree_of_subjects_are_learned_and_the_next_head_has_it(
    ledger: PostgresLedger, store: PostgresCheckpointStore, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = PostgresCheckpointStore(databases.app)
    older.subjects = None
    subject = uuid7()
    fill(ledger, 250, subject)
    fill(ledger, 450)
    assert root_of(Checkpointer(older, NAME, KEY).cover_all()) is None
    older.close()
    fill(ledger, 1, subject)
    monkeypatch.setattr(module, "LARGEST_STEP", 300)
    checkpointer = Checkpointer(store, NAME, KEY)
    assert store.subjects is not None
    assert root_of(checkpointer.cover_all()) == BucketTree(store.subjects.recomputed(701)).root
    assert store.subjects.load()[0] == 701
    assert problems(store, checkpointer) == []


def root_of(head: Head) -> bytes | None:
    assert head.note is not None
    return root_in(open_note(head.note, Verifier.of(NAME, KEY)))


def test_a_tree_of_subjects_that_was_tampered_with_is_signed_by_nobody_and_made_again_when_it_is_emptied(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer, databases: Databases
) -> None:
    fill(ledger, 300)
    checkpointer.step()
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("update ledger.subject_bucket set hash = sha256('') where bucket = "
                   "(select min(bucket) from ledger.subject_bucket)")  # fmt: skip
        fill(ledger, 1)
        with pytest.raises(DamagedTreeError):
            Checkpointer(store, NAME, KEY).step()
        db.execute("truncate ledger.subject_bucket, ledger.subject_tree")
    Checkpointer(store, NAME, KEY).step()
    assert problems(store, checkpointer) == []


def test_a_head_signed_over_other_newest_rows_is_found_by_the_audit(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer, databases: Databases
) -> None:
    fill(ledger, 300)
    with psycopg.connect(databases.owner) as db:
        db.execute("insert into ledger.subject_tree (size, root) values (0, '')")
        db.execute("update ledger.subject_tree set size = 250, root = %s", [BucketTree().root])
    store.newest = lambda: Head(Frontier().append_all(store.row_hashes(0, 250))[0])  # type: ignore[method-assign]  # a liar
    checkpointer.step()
    assert problems(store, checkpointer) == ["the subjects' newest rows, up to 300, are not those that were signed"]


def test_a_checkpoint_signed_by_another_is_no_checkpoint(
    ledger: PostgresLedger, store: PostgresCheckpointStore, checkpointer: Checkpointer
) -> None:
    fill(ledger, 5)
    Checkpointer(store, NAME, Ed25519PrivateKey.generate()).step()
    [problem] = problems(store, checkpointer)
    assert "signature" in problem
