"""How far the single readers of the ledger have come, and what its clock says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import psycopg

from adapters.postgres.libpq import DatabaseRefusedError, first_line
from adapters.postgres.migrate import connect


def read_progress(dsn: str) -> Mapping[str, int]:
    """Positions by the reader's name: `relay` and the topic's, `eraser`."""
    with connect(dsn) as db:
        try:
            return dict(db.execute("select name, position from ledger.progress order by 1").fetchall())
        except psycopg.Error as error:
            raise DatabaseRefusedError(reason=first_line(error)) from error


def read_signed_at(dsn: str) -> datetime | None:
    """When the newest checkpoint was signed."""
    with connect(dsn) as db:
        found = db.execute("select signed_at from ledger.checkpoint order by size desc limit 1").fetchone()
    return found[0] if found else None


def read_clock(dsn: str) -> datetime:
    with connect(dsn) as db:
        found = db.execute("select clock_timestamp()").fetchone()
    assert found is not None
    time: datetime = found[0]
    return time
