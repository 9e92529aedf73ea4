"""The access log in PostgreSQL: appended to through one function, read by person, under checkpoints of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from adapters.access.reading import Reading, Recorded, bounded
from adapters.postgres.checkpoint_store import PostgresCheckpointStore, Rows
from adapters.postgres.pooled import borrowed

READINGS = Rows("access", "reading", Path(__file__).with_name("access_audit.sql").read_bytes())


class PostgresAccessLog(PostgresCheckpointStore):
    """An AccessBook; with the CheckpointStore and the RowAudit of its rows."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, READINGS)

    def record(self, readings: Sequence[Reading]) -> None:
        given = [
            {"principal": one.principal, "route": one.route, "persons": ",".join(person.hex for person in one.persons)}
            for reading in readings
            for one in bounded(reading)
        ]
        if given:
            with borrowed(self._pool) as db:
                db.execute("select access.record(%s)", [Jsonb(given)])

    def of_persons(self, persons: Collection[UUID]) -> Sequence[Recorded]:
        """Oldest first."""
        with borrowed(self._pool) as db:
            query = (
                "select position, recorded_at, principal, route, people from access.reading"
                " where persons && %s order by position"
            )
            return db.cursor(row_factory=class_row(Recorded)).execute(query, [list(persons)]).fetchall()
