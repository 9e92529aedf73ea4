"""Who may do what to the ledger and the keys in the database: nobody rewrites history, and no way leads around."""

from __future__ import annotations

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres.ledger import PostgresLedger
from tests.backend import Backend, new_master
from tests.conftest import Databases
from tests.contracts.ledger_contract import append_one

FORBIDDEN = (
    "insert into ledger.fact select * from ledger.fact",
    "copy ledger.fact from stdin",
    "update ledger.fact set actor = 'me'",
    "delete from ledger.fact",
    "truncate ledger.fact",
    "merge into ledger.fact f using (select 1) x on true when matched then update set actor = 'me'",
    "drop table ledger.fact",
    "alter table ledger.fact disable trigger append_only",
    "alter table ledger.fact disable trigger all",
    "drop trigger append_only on ledger.fact",
    "alter table ledger.fact owner to relato_app",
    "create trigger mine before insert on ledger.fact for each row execute function ledger.refuse()",
    "create rule mine as on insert to ledger.fact do instead nothing",
    "create index on ledger.fact (actor)",
    "create table ledger.mine (id int)",
    "create function ledger.mine() returns int language sql return 1",
    "create or replace function ledger.append(ledger.new_fact[]) returns int language sql return 1",
    "alter function ledger.append security invoker",
    "set session_replication_role = replica",
    "set role postgres",
    "update ledger.checkpoint set note = 'mine'",
    "delete from ledger.checkpoint",
    "update ledger.merkle_node set hash = ''",
    "delete from ledger.content",
    "update ledger.content set data = ''",
    "delete from ledger.progress",
)
FORBIDDEN_WITH_KEYS = (
    "delete from keys.tombstone",
    "update keys.tombstone set person_id = gen_random_uuid()",
    "delete from keys.person_key",
    "truncate keys.person_key",
    "update keys.person_key set person_id = gen_random_uuid()",
    "update keys.secret set wrapped = ''",
    "delete from keys.secret",
    "alter table keys.person_key disable trigger all",
)


def refuse(dsn: str, statement: str, *errors: type[psycopg.Error]) -> None:
    with psycopg.connect(dsn) as db, pytest.raises(errors or (psycopg.errors.InsufficientPrivilege,)):
        db.execute(statement.encode())


@pytest.fixture
def filled(ledger: PostgresLedger) -> PostgresLedger:
    append_one(ledger, uuid7(), 0)
    return ledger


def test_the_application_appends_through_the_function_and_does_nothing_else(
    filled: PostgresLedger, databases: Databases
) -> None:
    for statement in FORBIDDEN:
        refuse(databases.app, statement)
    assert len(filled.read(0, 10)) == 1


def test_the_reader_appends_nothing_at_all(filled: PostgresLedger, databases: Databases) -> None:
    reader = databases.app.replace("relato_app", "relato_reader")
    with psycopg.connect(reader) as db:
        assert db.execute("select count(*) from ledger.fact").fetchall() == [(1,)]
    refuse(reader, "select ledger.append('{}', '{}', '{}')")
    refuse(reader, "insert into ledger.content values ('', '')")
    refuse(reader, "insert into ledger.checkpoint values (1, '', '', '')")
    assert filled.last_position() == 1


def test_the_owners_rewriting_is_refused_by_the_trigger(filled: PostgresLedger, databases: Databases) -> None:
    for statement in ("update ledger.fact set actor = 'me'", "delete from ledger.fact", "truncate ledger.fact"):
        refuse(databases.owner, statement, psycopg.errors.RestrictViolation)
    assert len(filled.read(0, 10)) == 1


def test_a_temporary_table_does_not_lend_the_callers_code_the_owners_rights(
    filled: PostgresLedger, databases: Databases
) -> None:
    """A security definer function that finds `fact` in pg_temp would run the caller's trigger as the owner."""
    with psycopg.connect(databases.app, autocommit=True) as db:
        db.execute("create temp table fact (like ledger.fact)")
        db.execute("create function pg_temp.rewrite() returns trigger language plpgsql as $$ begin "
                   "alter table ledger.fact disable trigger all; update ledger.fact set actor = 'me'; "
                   "return new; end $$")  # fmt: skip
        db.execute("create trigger rewrite before insert on fact for each row execute function pg_temp.rewrite()")
        db.execute("grant all on fact to public")
        db.execute(
            "select ledger.append(array[row(1, gen_random_uuid(), 1, id, id, id, id, id, now(), 't', 'a', 'o', '', '')"
            "::ledger.new_fact], '{}', '{}') from (select gen_random_uuid() as id) x"
        )
        assert db.execute("select count(*) from pg_temp.fact").fetchall() == [(0,)]
    assert [event.actor for event in filled.read(0, 10)] == ["tester", "a"]


def test_the_application_may_make_and_destroy_keys_and_undo_nothing(databases: Databases) -> None:
    for statement in FORBIDDEN_WITH_KEYS:
        refuse(databases.keys_app, statement)


def test_a_destroyed_key_cannot_be_put_back_nor_a_living_one_exchanged(databases: Databases) -> None:
    with Backend.open(databases.app, databases.keys_app, new_master()) as backend:
        ana = backend.customer(name="Ana")
        rui = backend.customer(name="Rui")
        backend.vault.erase([ana])
    stays = psycopg.errors.RestrictViolation
    for person in (ana, rui):
        for dsn in (databases.keys_app, databases.keys_owner):
            back = f"update keys.person_key set wrapped = 'x', destroyed_at = null where person_id = '{person}'"
            refuse(dsn, back, stays)


def test_the_readers_role_reaches_no_keys(databases: Databases) -> None:
    reader = databases.keys_app.replace("relato_app", "relato_reader")
    for table in ("person_key", "tombstone", "secret"):
        refuse(reader, f"select * from keys.{table}")
