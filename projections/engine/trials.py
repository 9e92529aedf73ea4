"""Trials: tables that are folded to be compared with the live ones, held by a session, dropped when it ends."""

from __future__ import annotations

from typing import Any

import psycopg

from projections.engine.readmodel import Build, Service
from projections.engine.schema import builds_of, drop_build

_CLASS = 7308  # of the advisory locks


def hold_trial(db: psycopg.Connection[Any], service: Service, build: Build) -> None:
    """Until the session ends, however it ends."""
    db.execute("select pg_advisory_lock(%s, hashtext(%s))", [_CLASS, _place(service, build)])


def drop_trials(db: psycopg.Connection[Any], service: Service) -> None:
    """Our own, and those whose session has ended without dropping them."""
    for build in builds_of(db, service, is_trial=True):
        lock = [_CLASS, _place(service, build)]
        if db.execute("select pg_try_advisory_lock(%s, hashtext(%s))", lock).fetchone() == (True,):
            drop_build(db, build)
            db.execute("delete from projection_lease where crew = %s", [build.table])
            db.execute("select pg_advisory_unlock(%s, hashtext(%s))", lock)


def _place(service: Service, build: Build) -> str:
    return f"{service.name}.{build.table}"
