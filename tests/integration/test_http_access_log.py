"""Who read whose personal data: one record a request, there before the answer, without a value."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.access.reading import Reading, Recorded
from adapters.ids import uuid7
from adapters.postgres.access_log import BY_PERSONS, PostgresAccessLog
from domain.access.facts import Role
from streams.checkpoints.audit import audit_ledger
from streams.checkpoints.checkpointer import Checkpointer
from tests.conftest import Databases
from tests.http_api import HttpApi, served


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


@pytest.fixture
def log(databases: Databases) -> Iterator[PostgresAccessLog]:
    log = PostgresAccessLog(databases.app)
    yield log
    log.close()


def told(log: PostgresAccessLog, *persons: str) -> list[tuple[str, int]]:
    return [(one.route, one.people) for one in log.of_persons([UUID(person) for person in persons])]


def test_each_request_that_opens_values_is_one_record(api: HttpApi, log: PostgresAccessLog) -> None:
    ana, rui = api.register(name="Ana"), api.register(name="Rui")
    for customer in (ana, ana, rui):
        api.give("opportunity/new/open", {"customer_id": customer})
    api.fold()
    key = api.key(Role.SALES)
    assert api.ask("/v1/sales/pipeline", role=key).status_code == 200
    assert api.ask(f"/v1/customers/{ana}", role=key).status_code == 200
    assert api.ask(f"/v1/customers/{ana}/history", role=key).status_code == 200
    of_customer = [("/v1/customers/{customer_id}", 1), ("/v1/customers/{customer_id}/history", 1)]
    assert told(log, ana) == [("/v1/sales/pipeline", 2), *of_customer]
    assert told(log, rui) == [("/v1/sales/pipeline", 2)]
    assert {one.principal for one in log.of_persons([UUID(ana)])} == {str(key.access_id)}


def test_what_is_withheld_erased_or_not_personal_is_no_reading(api: HttpApi, log: PostgresAccessLog) -> None:
    ana = api.register(name="Ana")
    api.give("opportunity/new/open", {"customer_id": ana})
    api.fold()
    api.ask("/v1/sales/teams")
    api.ask("/v1/partners/products")
    assert told(log, ana) == []
    seller = str(uuid7())
    api.give(f"employee/{seller}/hire", {"name": "Sam"})
    api.fold()
    assert api.ask("/v1/sales/employees", role=Role.AUDITOR).json()["rows"][0]["_withheld"] == ["name"]
    assert told(log, seller) == []


def test_what_cannot_be_noted_does_not_leave(api: HttpApi, databases: Databases) -> None:
    api.give("opportunity/new/open", {"customer_id": api.register(name="Ana")})
    api.fold()
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("alter function access.record rename to away")
    answer = api.ask("/v1/sales/pipeline")
    assert (answer.status_code, answer.json()["status"]) == (503, 503)
    assert "Ana" not in answer.text
    assert api.ask("/v1/sales/teams").status_code == 200


def test_the_log_is_appended_to_and_nothing_else(databases: Databases, log: PostgresAccessLog) -> None:
    log.record([Reading("t", "/x", [uuid7()])])
    for statement in (
        "insert into access.reading values (9, now(), 't', '/x', 1, array[gen_random_uuid()], '')",
        "update access.reading set principal = 'other'",
        "delete from access.reading",
        "truncate access.reading",
    ):
        with psycopg.connect(databases.app) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(statement)


def test_a_record_that_was_changed_or_taken_away_is_found_by_the_audit(
    databases: Databases, log: PostgresAccessLog
) -> None:
    ana = uuid7()
    log.record([Reading("t", f"/{n}", [ana]) for n in range(5)])
    checkpointer = Checkpointer(log, "test/access", Ed25519PrivateKey.generate())
    checkpointer.cover_all()
    report = audit_ledger(log, log, checkpointer.verifier)
    assert (report.problems, report.rows, report.covered) == ([], 5, 5)
    with psycopg.connect(databases.owner) as db:
        db.execute("update access.reading set principal = 'other' where position = 2")
        db.execute("delete from access.reading where position = 5")
    problems = audit_ledger(log, log, checkpointer.verifier).problems
    assert problems == ["1 rows: altered after it was hashed", "the ledger has 4 rows, but 5 were signed"]


def test_so_many_persons_as_one_record_does_not_hold_make_more_of_them(log: PostgresAccessLog) -> None:
    persons = [uuid7() for _ in range(2_500)]
    log.record([Reading("t", "/x", persons)])
    assert [one.people for one in log.of_persons(persons)] == [2_000, 500]
    assert all(isinstance(one, Recorded) for one in log.of_persons(persons[:1]))


def test_who_read_a_persons_values_is_found_by_an_index(databases: Databases, log: PostgresAccessLog) -> None:
    ana = uuid7()
    for _ in range(5):
        log.record([Reading("t", "/x", [uuid7(), uuid7()]) for _ in range(1_000)])
    log.record([Reading("t", "/ana", [uuid7(), ana])])
    assert told(log, str(ana)) == [("/ana", 2)]
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("vacuum analyze access.reading")
        plan = [line for (line,) in db.execute(f"explain {BY_PERSONS}", [[ana]])]
    assert any("reading_by_person" in line for line in plan), plan
