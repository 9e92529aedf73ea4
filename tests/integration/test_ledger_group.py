"""Appends that share a transaction: on the real function, a loser, a repeat and a bad fact fail alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.libpq import DatabaseRefusedError
from adapters.postgres.server import PostgresServer
from domain.errors import ConflictError
from domain.ports import Append, KnownError, Place, StaleError
from tests.backend import await_blocked
from tests.conftest import Databases
from tests.contracts.ledger_contract import A_FACT, append_one, write

Outcome = Sequence[Place] | type[Exception]


def in_one_group(ledger: PostgresLedger, databases: Databases, appends: Sequence[Append]) -> list[Outcome]:
    """Their outcomes when they stand in this order in one group: they gather while another session holds the lock."""
    outcomes: list[Outcome] = [()] * len(appends)

    def give(n: int) -> None:
        try:
            outcomes[n] = ledger.append(appends[n])
        except (StaleError, KnownError, ConflictError, DatabaseRefusedError) as error:
            outcomes[n] = type(error)

    first = threading.Thread(target=append_one, args=[ledger, uuid7(), 0])
    threads = [first, *(threading.Thread(target=give, args=[n]) for n in range(len(appends)))]
    with psycopg.connect(databases.app, autocommit=True) as db:
        db.execute("select pg_advisory_lock(7305)")
        first.start()
        await_blocked(databases.app)
        for n, thread in enumerate(threads[1:], 1):
            thread.start()
            while ledger._writer._queue.qsize() < n:
                threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    return outcomes


def one(stream: UUID, version: int, **more: Any) -> Append:
    return Append([write(A_FACT, stream=stream, **more)], {stream: version})


def positions(outcome: Outcome) -> list[int]:
    assert not isinstance(outcome, type), outcome
    return [place.position for place in outcome]


def test_losers_and_repeats_fail_alone_and_the_others_take_the_positions(
    ledger: PostgresLedger, databases: Databases
) -> None:
    a, b, c, d, guarded = (uuid7() for _ in range(5))
    known = append_one(ledger, a, 0).command_id
    append_one(ledger, guarded, 0)
    outcomes = in_one_group(
        ledger,
        databases,
        [
            one(a, 0),  # stale
            one(a, 1),  # the first with the right version
            one(a, 1),  # overtaken within the group
            one(b, 0, command=known),
            Append([write(A_FACT, stream=d)], {d: 0}, {guarded: 0}),  # its guard is stale
            Append([write(A_FACT, A_FACT, stream=b), write(A_FACT, stream=c)], {b: 0, c: 0}, {guarded: 1}),
            Append([write(A_FACT, stream=guarded)], {guarded: 1}),
        ],
    )
    assert [outcomes[n] for n in (0, 2, 3, 4)] == [StaleError, StaleError, KnownError, StaleError]
    assert [positions(outcomes[n]) for n in (1, 5, 6)] == [[4], [5, 6, 7], [8]]
    assert [event.position for event in ledger.read(0, 99)] == list(range(1, 9))


def test_a_guard_that_was_written_to_earlier_in_the_group_has_moved(
    ledger: PostgresLedger, databases: Databases
) -> None:
    guarded, b, c = (uuid7() for _ in range(3))
    append_one(ledger, guarded, 0)
    before = Append([write(A_FACT, stream=b)], {b: 0}, {guarded: 1})
    after = Append([write(A_FACT, stream=c)], {c: 0}, {guarded: 1})
    outcomes = in_one_group(ledger, databases, [before, one(guarded, 1), after])
    assert [isinstance(outcome, type) for outcome in outcomes] == [False, False, True]
    assert outcomes[2] is StaleError


@pytest.mark.parametrize("fault", ["a subject of another", "a text the database cannot hold"])
def test_a_bad_fact_fails_alone(ledger: PostgresLedger, databases: Databases, fault: str) -> None:
    taken, others = uuid7(), [uuid7() for _ in range(4)]
    append_one(ledger, taken, 0)
    bad = one(taken, 1, subject=uuid7())
    if fault == "a text the database cannot hold":
        bad = Append([write(A_FACT, stream=taken)._replace(actor="a\0b")], {taken: 1})
    appends = [one(stream, 0) for stream in others]
    outcomes = in_one_group(ledger, databases, [*appends[:2], bad, *appends[2:]])
    assert outcomes.pop(2) is ConflictError
    assert [positions(outcome) for outcome in outcomes] == [[3], [4], [5], [6]]
    assert [len(ledger.load([stream])) for stream in (taken, *others)] == [1] * 5


def test_a_cancelled_append_is_not_tried_again_and_says_why(ledger: PostgresLedger, databases: Databases) -> None:
    stream, outcomes = uuid7(), list[object]()

    def give() -> None:
        try:
            outcomes.append(ledger.append(one(stream, 0)))
        except DatabaseRefusedError as error:
            outcomes.append(str(error))

    thread = threading.Thread(target=give)
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("select pg_advisory_lock(7305)")
        thread.start()
        db.execute("select pg_cancel_backend(%s)", [await_blocked(databases.app)])
        thread.join()
    assert outcomes == [
        "PostgreSQL could not do it now; nothing was written: reason canceling statement due to user request."
    ]
    assert ledger.load([stream]) == []
    append_one(ledger, stream, 0)


APPEND = """
select ledger.append(
  array[row(1, %(stream)s, %(version)s, %(subject)s, %(stream)s, %(stream)s, %(stream)s, %(stream)s, now(),
            't', 'a', 'o', %(data)s, '')::ledger.new_fact],
  '{}', array[row(1, %(stream)s, %(expected)s, true)::ledger.expectation])
"""


def test_the_function_itself_refuses_what_breaks_a_sequence_a_subject_or_the_limit(
    ledger: PostgresLedger, databases: Databases
) -> None:
    stream = uuid7()
    append_one(ledger, stream, 0)
    good = {"stream": stream, "subject": stream, "version": 2, "expected": 1, "data": b"{}"}
    for change, error in (
        ({"version": 1}, psycopg.errors.NotNullViolation),
        ({"version": 3}, psycopg.errors.NotNullViolation),
        ({"subject": uuid7()}, psycopg.errors.NotNullViolation),
        ({"data": b"x" * 262_145}, psycopg.errors.CheckViolation),
    ):
        with psycopg.connect(databases.app) as db, pytest.raises(error):
            db.execute(APPEND, good | change)
    with psycopg.connect(databases.app) as db:
        db.execute(APPEND, good | {"data": b"x" * 262_144})
    assert [event.stream_version for event in ledger.load([stream])] == [1, 2]


def test_a_database_that_isolates_more_strictly_by_default_changes_nothing(databases: Databases) -> None:
    with psycopg.connect(databases.owner, autocommit=True) as db:
        strict = "alter database {} set default_transaction_isolation = 'serializable'"
        db.execute(strict.format(db.info.dbname).encode())
    ledger = PostgresLedger(databases.app)
    outcomes = in_one_group(ledger, databases, [one(uuid7(), 0)])
    assert positions(outcomes[0]) == [2]
    with psycopg.connect(databases.app, autocommit=True) as db:
        db.execute("select pg_advisory_lock(7305)")
        waiting = threading.Thread(target=append_one, args=[ledger, uuid7(), 0])
        waiting.start()
        await_blocked(databases.app)
        other = uuid7()
        db.execute(APPEND, {"stream": other, "subject": other, "version": 1, "expected": 0, "data": b"{}"})
        db.execute("select pg_advisory_unlock(7305)")
        waiting.join()
    assert [event.position for event in ledger.read(0, 10)] == [1, 2, 3, 4]
    ledger.close()


def test_a_database_without_a_ledger_says_so_and_leaves_no_session_behind(postgres: PostgresServer) -> None:
    ledger = PostgresLedger(postgres.dsn())
    with pytest.raises(DatabaseRefusedError, match=r'relation "ledger\.fact" does not exist'):
        ledger.load([uuid7()])
    with pytest.raises(DatabaseRefusedError, match='schema "ledger" does not exist'):
        ledger.append(one(uuid7(), 0))
    ledger.close()
