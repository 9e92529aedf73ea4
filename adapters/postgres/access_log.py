"""The access log in PostgreSQL: appended to through one function, read by person, under checkpoints of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row
from pydantic_core import to_json

from adapters.access.reading import Reading, Recorded, bounded
from adapters.postgres.checkpoint_store import PostgresCheckpointStore, Rows
from adapters.postgres.libpq import Pool
from adapters.postgres.pooled import borrowed

RECORD = "select access.record($1::jsonb)"
BY_PERSONS = (
    "select position, recorded_at, principal, route, people from access.reading where persons && %s order by position"
)
JSONB_VERSION = b"\x01"  # before its text, in PostgreSQL's binary form
READINGS = Rows("access", "reading", Path(__file__).with_name("access_audit.sql").read_bytes())


class PostgresAccessLog(PostgresCheckpointStore):
    """An AccessBook; with the CheckpointStore and the RowAudit of its rows."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, READINGS)
        self._append = Pool(dsn, most=4)

    def record(self, readings: Sequence[Reading]) -> None:
        """When the session breaks just after they are noted, they may be noted twice: better than not at all."""
        given = [
            {"principal": one.principal, "route": one.route, "persons": ",".join(person.hex for person in one.persons)}
            for reading in readings
            for one in bounded(reading)
        ]
        if given:
            self._append(RECORD, JSONB_VERSION + to_json(given))

    def of_persons(self, persons: Collection[UUID]) -> Sequence[Recorded]:
        """Oldest first."""
        with borrowed(self._pool) as db:
            return db.cursor(row_factory=class_row(Recorded)).execute(BY_PERSONS, [list(persons)]).fetchall()

    def close(self) -> None:
        super().close()
        self._append.close()
