"""What readers see: the switch to another build of a read model, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from domain.errors import ConflictError, RelatoError, UnavailableError
from projections.engine.compare import stands_behind
from projections.engine.readmodel import Build, Service
from projections.engine.schema import builds_of, drop_build, live_table, make_views

LOCK_WAIT = "2s"


class BehindError(RelatoError):
    """The table to switch to stands behind the live one; run workers whose code knows its version, then try again."""


class ViewBusyError(UnavailableError):
    """A long query holds the views; nothing was switched, try again when it is done."""


def switch(db: psycopg.Connection[Any], service: Service, name: str) -> Build:
    """Shows readers the newest build that the workers fold beside the live one; that one is kept, and folded on."""
    candidates = _others(db, service, name)
    if not candidates:
        raise ConflictError("no other table of this read model is folded; rebuild it first", read_model=name)
    chosen = candidates[-1]
    live = live_table(db, name)
    try:
        with db.transaction():
            db.execute(f"set local lock_timeout = '{LOCK_WAIT}'".encode())
            if live and (behind := stands_behind(db, chosen.table, live)):
                raise BehindError(table=chosen.table, facts=behind)
            db.execute("update projection_build set state = 'standby' where model = %s and state = 'live'", [name])
            db.execute("update projection_build set state = 'live' where table_name = %s", [chosen.table])
            make_views(db, service)
    except psycopg.errors.LockNotAvailable as error:
        raise ViewBusyError(read_model=name) from error
    return chosen


def roll_back(db: psycopg.Connection[Any], service: Service, name: str) -> Build:
    """Back to the table that was live before; it has been folded all along, so nothing goes back in time."""
    return switch(db, service, name)


def forget_others(db: psycopg.Connection[Any], service: Service, name: str) -> Sequence[str]:
    """Drops the tables of a read model that readers don't see; answers their names."""
    others = _others(db, service, name)
    for build in others:
        drop_build(db, build)
    return [build.table for build in others]


def _others(db: psycopg.Connection[Any], service: Service, name: str) -> Sequence[Build]:
    """What is folded beside the live one to be switched to, the newest last."""
    return [build for build in builds_of(db, service, "standby", is_trial=False) if build.model.name == name]
