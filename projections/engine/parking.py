"""What could not be folded: listed, and tried again once it can be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from projections.engine.engine import Engine
from projections.engine.leases import Leases
from projections.engine.readmodel import Service
from projections.engine.schema import builds_of
from projections.engine.sources import LedgerReader
from projections.engine.statements import read_statements

_SQL = read_statements(Path(__file__).with_name("engine.sql"))


class ParkedFact(NamedTuple):
    """A pointer to a fact that a read model could not fold, or that waits behind such a one of its subject."""

    table_name: str
    partition: int
    partition_seq: int
    subject_id: UUID
    type: str
    cause: str
    is_unknown: bool
    parked_at: datetime
    model: str
    state: str


class Retried(NamedTuple):
    """A subject that was tried again, and how many of its facts are still parked."""

    model: str
    subject_id: UUID
    left: int


def list_parked(db: psycopg.Connection[Any], model: str | None = None, *, limit: int = 1000) -> Sequence[ParkedFact]:
    """In the session's schema, by read model and subject, each subject's in order."""
    with db.cursor(row_factory=class_row(ParkedFact)) as cursor:
        return cursor.execute(_SQL["list_parked"], {"model": model, "limit": limit}).fetchall()


def retry(
    db: psycopg.Connection[Any], service: Service, ledger: LedgerReader, model: str, subject_id: UUID
) -> Sequence[Retried]:
    return _retry(db, service, ledger, {"model": model, "subject_id": subject_id})


def retry_all(
    db: psycopg.Connection[Any], service: Service, ledger: LedgerReader, model: str | None = None
) -> Sequence[Retried]:
    """Every parked subject of a read model, or of all the service's."""
    return _retry(db, service, ledger, {"model": model, "subject_id": None})


def _retry(
    db: psycopg.Connection[Any], service: Service, ledger: LedgerReader, wanted: dict[str, object]
) -> Sequence[Retried]:
    """Takes each subject's partition from its worker, which comes back to it afterwards with nothing in memory."""
    found = db.execute(_SQL["parked_subjects"], wanted).fetchall()
    builds = builds_of(db, service, "live", "standby")
    leases = Leases(db)
    retried: list[Retried] = []
    try:
        for model, partition, subject_id in found:
            own = tuple(build for build in builds if build.model.name == model)
            leases.seize(partition)
            engine = Engine(db, own, leases.worker)
            engine.open([partition])
            left = sum(engine.refold(build, subject_id, ledger) for build in own)
            retried.append(Retried(model, subject_id, left))
    finally:
        leases.release()
    return retried
