"""A service's schema: the engine's tables, a table for each build, and the views that readers see."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

import psycopg
from psycopg import sql

from domain.errors import RelatoError
from projections.engine.readmodel import Build, ReadModel, Service
from projections.engine.statements import read_statements

State = Literal["building", "standby", "live"]
READER = "relato_reader"
TRANSACTION_TIMEOUT_SINCE = 17_00_00
_LOCK = 7307
_SQL = read_statements(Path(__file__).with_name("engine.sql"))
_VERSIONED = re.compile(r"[0-9]+(_[0-9]+)?")


class NoTableError(RelatoError):
    """A read model's SQL file has no section `-- name: table`."""


def connect(dsn: str, service: Service | str) -> psycopg.Connection[Any]:
    """A session in the service's schema. A worker that hangs inside a transaction loses its locks."""
    db = psycopg.connect(dsn, autocommit=True, application_name=f"relato folds {_name(service)}")
    try:
        db.execute(
            "select set_config('search_path', %s, false), set_config('timezone', 'UTC', false),"
            " set_config('lock_timeout', '5s', false), set_config('idle_in_transaction_session_timeout', '10s', false)",
            [sql.Identifier(_name(service)).as_string(db)],
        )
    except BaseException:
        db.close()
        raise
    return db


def bound_transactions(db: psycopg.Connection[Any], longest: timedelta) -> None:
    """For a worker. While it sends a batch the server doesn't count it as idle, however long it sleeps on its locks."""
    if db.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
        longest_ms = str(longest // timedelta(milliseconds=1))
        db.execute("select set_config('transaction_timeout', %s, false)", [longest_ms])


def _name(service: Service | str) -> str:
    return service if isinstance(service, str) else service.name


def prepare(db: psycopg.Connection[Any], service: Service) -> Sequence[Build]:
    """Makes what is missing; answers the builds that have to be rebuilt before readers can see them.

    Where nothing was folded yet, everything is live at once.
    """
    with db.transaction():
        db.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        _make_schema(db, service)
        (is_new,) = db.execute("select not exists (select from projection_bookmark where seq > 0)").fetchone() or (
            True,
        )
        known = {build.model for build in builds_of(db, service, is_trial=False)}
        for model in {model.name: service.named(model.name)[-1] for model in service.models}.values():
            if model not in known:
                make_build(db, service, Build(model, str(model.version)), "live" if is_new else "building")
        make_views(db, service)
        return [build for build, state in builds_of(db, service, is_trial=False).items() if state == "building"]


def start_over(db: psycopg.Connection[Any], service: Service) -> None:
    """Drops all that the service has folded; its workers, also those that run, begin again with the first fact."""
    with db.transaction():
        db.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        _make_schema(db, service)
        for (table,) in db.execute(
            "select t from projection_build, unnest(array[table_name, model || '_sums_' || suffix]) t"
        ).fetchall():
            db.execute(sql.SQL("drop table if exists {} cascade").format(sql.Identifier(table)))
        db.execute(
            "truncate projection_build, projection_bookmark, projection_parked, projection_stop, projection_views"
        )
        prepare(db, service)


def _make_schema(db: psycopg.Connection[Any], service: Service) -> None:
    if db.execute("select to_regnamespace(%s) is null", [service.name]).fetchone() == (True,):
        db.execute(sql.SQL("create schema {}").format(sql.Identifier(service.name)))
        if db.execute("select 1 from pg_roles where rolname = %s", [READER]).fetchone():
            names = {"schema": sql.Identifier(service.name), "reader": sql.Identifier(READER)}
            db.execute(sql.SQL("grant usage on schema {schema} to {reader}").format(**names))
            db.execute(
                sql.SQL("alter default privileges in schema {schema} grant select on tables to {reader}").format(
                    **names
                )
            )
    if db.execute("select to_regclass('projection_views') is null").fetchone() == (True,):
        db.execute(_SQL["tables"])


def builds_of(
    db: psycopg.Connection[Any], service: Service, *states: State, is_trial: bool | None = None
) -> Mapping[Build, State]:
    """The builds in these states, or in any, whose version this code knows; trials too unless said otherwise."""
    models = {(model.name, model.version): model for model in service.models}
    found = db.execute(
        "select model, version, suffix, state from projection_build where state = any(%s)"
        " and is_trial = coalesce(%s, is_trial) order by made_at, table_name",
        [list(states or get_args(State)), is_trial],
    ).fetchall()
    return {
        Build(model, suffix): state for name, version, suffix, state in found if (model := models.get((name, version)))
    }


def live_table(db: psycopg.Connection[Any], name: str) -> str | None:
    """The table of a read model that readers see, whether this code knows its version or not."""
    found = db.execute("select table_name from projection_build where model = %s and state = 'live'", [name]).fetchone()
    return found and str(found[0])


def make_build(
    db: psycopg.Connection[Any], service: Service, build: Build, state: State, *, is_trial: bool = False
) -> None:
    model = build.model
    if "table" not in model.statements:
        raise NoTableError(read_model=model.name)
    db.execute(_render(model.statements["table"], service.name, build.suffix))
    db.execute(
        "insert into projection_build (table_name, model, version, suffix, state, is_trial)"
        " values (%s, %s, %s, %s, %s, %s)",
        [build.table, model.name, model.version, build.suffix, state, is_trial],
    )


def drop_build(db: psycopg.Connection[Any], build: Build) -> None:
    """The table with its bookmarks and pointers; the views must be made anew if they show it."""
    with db.transaction():
        for table in (build.table, build.sums_table):
            db.execute(sql.SQL("drop table if exists {} cascade").format(sql.Identifier(table)))
        for kept in ("projection_bookmark", "projection_parked", "projection_stop", "projection_build"):
            db.execute(sql.SQL("delete from {} where table_name = %s").format(sql.Identifier(kept)), [build.table])


def make_views(db: psycopg.Connection[Any], service: Service) -> None:
    """Replaces all the service's views when one of them differs, in one transaction."""
    statements = list(_view_statements(service, _shown(db, service)))
    digest = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    with db.transaction():
        if db.execute("select 1 from projection_views where digest = %s", [digest]).fetchone():
            return
        for (view,) in db.execute("select viewname from pg_views where schemaname = %s", [service.name]).fetchall():
            db.execute(sql.SQL("drop view if exists {} cascade").format(sql.Identifier(view)))
        for statement in statements:
            db.execute(statement.encode())
        db.execute("insert into projection_views (digest) values (%s) on conflict (only_one)"
                   " do update set digest = excluded.digest", [digest])  # fmt: skip


def _shown(db: psycopg.Connection[Any], service: Service) -> Mapping[str, tuple[ReadModel[Any] | None, str]]:
    """For each read model its code and the suffix of the table to show: the live one, else what is being built."""
    found = db.execute(
        "select distinct on (model) model, version, suffix from projection_build"
        " order by model, array_position(array['live', 'standby', 'building'], state), made_at desc"
    ).fetchall()
    models = {(model.name, model.version): model for model in service.models}
    return {name: (models.get((name, version)), suffix) for name, version, suffix in found}


def _view_statements(service: Service, shown: Mapping[str, tuple[ReadModel[Any] | None, str]]) -> Iterator[str]:
    names = dict.fromkeys(model.name for model in service.models)
    newest = {name: service.named(name)[-1] for name in names}
    yield _SQL["functions"]
    for name in names:
        model, suffix = shown[name]
        # a version that this code no longer knows is shown as it stands until the next one is built
        default = f"create view {name} as select * from {name}_{suffix}"
        yield _render((model.statements if model else {}).get("view", default), service.name, suffix).decode()
        if model and model.sums:
            yield f"create view {name}_sums as select * from {name}_sums_{suffix}"
    for name in names:
        if more := newest[name].statements.get("views"):
            yield _render(more, service.name, "").decode()
    if service.views:
        yield _render(service.views.read_text(), service.name, "").decode()


def _render(text: str, schema: str, suffix: str) -> bytes:
    assert not suffix or _VERSIONED.fullmatch(suffix)
    return text.replace("{v}", suffix).replace("{schema}", f'"{schema}"').encode()
