"""Read models that the breaker stopped: said where everyone can read it, until a worker begins again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from projections.engine.breaker import BreakerError
from projections.engine.leases import LIVE, TERM
from projections.engine.statements import read_statements

_SQL = read_statements(Path(__file__).with_name("engine.sql"))
_OURS = {"crew": LIVE, "term": TERM}


class Stop(NamedTuple):
    """A live read model that is not folded on, at least in some partitions; the reason is the breaker's sentence."""

    model: str
    reason: str
    since: datetime


def record_stop(db: psycopg.Connection[Any], worker: int, error: BreakerError) -> None:
    db.execute(_SQL["record_stop"], {"table": error.details["read_model"], "worker": worker, "reason": str(error)})


def forget_stops(db: psycopg.Connection[Any]) -> None:
    """Of workers that are gone."""
    db.execute(_SQL["forget_stops"], _OURS)


def list_stops(db: psycopg.Connection[Any]) -> Sequence[Stop]:
    """Of the service in whose schema the session is, by read model."""
    return [Stop(*row) for row in db.execute(_SQL["list_stops"], _OURS).fetchall()]
