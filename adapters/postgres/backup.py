"""Databases dumped to files and loaded from them, by PostgreSQL's own programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from adapters.daemon import tell_end
from adapters.postgres.libpq import DatabaseRefusedError, first_line
from adapters.postgres.migrate import connect
from adapters.postgres.server import find_binary
from domain.errors import RelatoError

SAME = (
    "host",
    "hostaddr",
    "port",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "passfile",
    "service",
)
VARIABLES = {"dbname": "PGDATABASE"} | {name: f"PG{name.upper()}" for name in SAME}


class DumpError(RelatoError):
    """PostgreSQL's own backup program failed; nothing was left behind."""


class InUseError(RelatoError):
    """Others work on the installation; stop `relato up` and whatever else is connected, then restore."""


@contextmanager
def snapshot(dsn: str) -> Iterator[tuple[str, int]]:
    """The name of a snapshot that a dump can share, and the ledger's last position in it."""
    with connect(dsn) as db, db.transaction():
        db.execute("set transaction isolation level repeatable read, read only")
        found = db.execute("select pg_export_snapshot(), coalesce(max(position), 0) from ledger.fact").fetchone()
        assert found is not None
        yield found[0], found[1]


def dump(dsn: str, schemas: Sequence[str], file: Path, *, snapshot: str | None = None) -> None:
    """These schemas in PostgreSQL's custom format, without owners."""
    options = ["--format=custom", "--no-owner", f"--file={file}", *(f"--schema={name}" for name in schemas)]
    _run("pg_dump", dsn, [*options, *([f"--snapshot={snapshot}"] if snapshot else [])])


def load(dsn: str, file: Path) -> None:
    """Into an empty database, all or nothing."""
    dbname = str(conninfo_to_dict(dsn)["dbname"])
    options = ["--no-owner", "--clean", "--if-exists", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", dsn, [*options, f"--dbname={dbname}", str(file)])


def _run(program: str, dsn: str, options: Sequence[str]) -> None:
    """The address goes by the environment: a password on the command line could be read by anyone."""
    given = {VARIABLES[name]: str(value) for name, value in conninfo_to_dict(dsn).items() if name in VARIABLES}
    environment = {"PATH": os.defpath, "LC_ALL": "C", **given}
    done = subprocess.run(  # noqa: S603 no shell, our arguments
        [find_binary(program), *options], check=False, capture_output=True, text=True, env=environment
    )
    if done.returncode != 0:
        raise DumpError(program=program, says=tell_end(done.stderr, lines=1))


def create(server: str, name: str) -> None:
    """A new empty database, in place of one that an interrupted restore left."""
    with connect(server) as db, refusals():
        db.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        db.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        db.execute(sql.SQL("grant create on database {} to relato_app").format(sql.Identifier(name)))


def drop(server: str, names: Collection[str]) -> None:
    with connect(server) as db, refusals():
        for name in names:
            db.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def exchange(server: str, names: Mapping[str, str]) -> Sequence[str]:
    """Gives each new database (key) its name (value) in one transaction; answers the names that the old ones have now.

    Raises InUseError when somebody is connected to one of the old ones.
    """
    replaced: list[str] = []
    with connect(server) as db, refusals(), db.transaction():
        for new, name in names.items():
            if db.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                replaced.append(f"{name}_replaced")
                _rename(db, name, replaced[-1])
            _rename(db, new, name)
    return replaced


def _rename(db: psycopg.Connection, name: str, to: str) -> None:
    try:
        db.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(name), sql.Identifier(to)))
    except psycopg.errors.ObjectInUse as error:
        raise InUseError(database=name) from error


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseRefusedError(reason=first_line(error)) from error


def exists(server: str, name: str) -> bool:
    with connect(server) as db:
        return db.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is not None


def last_position(dsn: str) -> int:
    """0 where there is no ledger yet."""
    with connect(dsn) as db, refusals():
        if db.execute("select to_regclass('ledger.fact')").fetchone() == (None,):
            return 0
        found = db.execute("select coalesce(max(position), 0) from ledger.fact").fetchone()
    assert found is not None
    return int(found[0])


def forget_if_missing(dsn: str, schema: str, migrations: Sequence[str], writer: str) -> None:
    """A dump without the schema may yet know its migrations: it is to be made again, and written from the beginning."""
    with connect(dsn) as db, refusals(), db.transaction():
        if db.execute("select to_regnamespace(%s)", [schema]).fetchone() == (None,):
            db.execute("delete from public.migration where name = any (%s)", [list(migrations)])
            db.execute("delete from ledger.progress where name = %s", [writer])


def forget_progress(dsn: str, name: str) -> None:
    """That reader begins at the ledger's beginning again."""
    with connect(dsn) as db, refusals():
        db.execute("delete from ledger.progress where name = %s", [name])


def read_tombstones(dsn: str) -> set[UUID]:
    """Of a key database; none where there is none yet."""
    with connect(dsn) as db, refusals():
        if db.execute("select to_regclass('keys.tombstone')").fetchone() == (None,):
            return set()
        return {person_id for (person_id,) in db.execute("select person_id from keys.tombstone")}


def destroy_keys(dsn: str, person_ids: Collection[UUID]) -> int:
    """Puts up these tombstones and destroys the keys; answers how many persons had any."""
    with connect(dsn) as db, refusals(), db.transaction():
        db.execute("insert into keys.tombstone (person_id) select unnest(%s::uuid[]) on conflict do nothing",
                   [list(person_ids)])  # fmt: skip
        had = db.execute("update keys.person_key set wrapped = null, destroyed_at = clock_timestamp()"
                         " where person_id = any(%s) and destroyed_at is null returning person_id",
                         [list(person_ids)]).fetchall()  # fmt: skip
        return len(set(had))
