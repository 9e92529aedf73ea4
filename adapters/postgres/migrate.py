"""Brings a database to the newest form: numbered SQL files, each applied once, in order, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from adapters.postgres.libpq import DatabaseAwayError, first_line
from domain.errors import RelatoError

LOCK = 7306
ROLES = ("relato_app", "relato_reader")


class NewerDatabaseError(RelatoError):
    """The database was made by a newer release than this one; install that release or a newer one."""


def connect(dsn: str) -> psycopg.Connection:
    try:
        return psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseAwayError(reason=first_line(error)) from error


def create_roles_and_databases(dsn: str, databases: Sequence[str]) -> None:
    """Once per server, by its owner: the application's role, the reader's, and the databases that are missing."""
    with connect(dsn) as db:
        db.execute("select pg_advisory_lock(%s)", [LOCK])  # until the session ends: others may begin at this moment
        for role in ROLES:
            if not db.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                db.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        for name in databases:
            if not db.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                db.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            # the read models' schemas are the application's own
            if db.execute("select has_database_privilege('relato_app', %s, 'create')", [name]).fetchone() == (False,):
                db.execute(sql.SQL("grant create on database {} to relato_app").format(sql.Identifier(name)))


def migrate(dsn: str, folder: Path) -> Sequence[str]:
    """Applies what is missing and answers the names; NewerDatabaseError when the database knows files we do not."""
    files = sorted(folder.glob("*.sql"))
    with connect(dsn) as db, db.transaction():
        db.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        db.execute("create table if not exists public.migration"
                   " (name text primary key, applied_at timestamptz not null default clock_timestamp())")  # fmt: skip
        known = {name for (name,) in db.execute("select name from public.migration")}
        if newer := known - {file.name for file in files}:
            raise NewerDatabaseError(migration=max(newer))
        missing = [file for file in files if file.name not in known]
        for file in missing:
            db.execute(file.read_bytes())
            db.execute("insert into public.migration (name) values (%s)", [file.name])
        return [file.name for file in missing]
