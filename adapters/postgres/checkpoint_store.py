"""Checkpoints beside the ledger, and what the database can check of its own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import LiteralString, NamedTuple

import psycopg
from psycopg.rows import dict_row

from adapters.postgres.pooled import borrowed, open_pool
from adapters.postgres.subject_store import PostgresSubjectStore, save
from streams.checkpoints.checkpointer import Head, SupersededError
from streams.checkpoints.merkle import Frontier, StoredNode
from streams.checkpoints.note import Checkpoint
from streams.checkpoints.subjects import Growth

AUDIT = Path(__file__).with_name("audit.sql").read_bytes()


class Rows(NamedTuple):
    """What is covered: a table's rows by position and hash, in a schema with tables of their own for checkpoints."""

    schema: LiteralString
    table: LiteralString
    audit: bytes
    have_subjects: bool = False


LEDGER = Rows("ledger", "fact", AUDIT, have_subjects=True)


class PostgresCheckpointStore:
    """A CheckpointStore and a RowAudit."""

    def __init__(self, dsn: str, rows: Rows = LEDGER) -> None:
        self._pool, self._rows = open_pool(dsn, most=2), rows
        self.subjects = PostgresSubjectStore(self._pool) if rows.have_subjects else None

    def newest(self) -> Head:
        with borrowed(self._pool) as db:
            query = f"select frontier, note from {self._rows.schema}.checkpoint order by size desc limit 1"
            row = db.execute(query, binary=True).fetchone()
        return Head(Frontier.from_bytes(row[0]), row[1]) if row else Head()

    def notes(self) -> Sequence[str]:
        with borrowed(self._pool) as db:
            return [note for (note,) in db.execute(f"select note from {self._rows.schema}.checkpoint order by size")]

    def add(self, checkpoint: Checkpoint, head: Head, nodes: Sequence[StoredNode], growth: Growth | None) -> None:
        schema = self._rows.schema
        values = [checkpoint.size, checkpoint.root, head.frontier.to_bytes(), head.note]
        try:
            with borrowed(self._pool) as db:
                db.execute(
                    f"insert into {schema}.checkpoint (size, root, frontier, note) values (%s, %s, %s, %s)", values
                )
                rows = [(node.level, node.index, node.hash) for node in nodes]
                db.cursor().executemany(f"insert into {schema}.merkle_node values (%s, %s, %s)", rows)
                if growth:
                    save(db, growth)
        except psycopg.errors.UniqueViolation as error:
            raise SupersededError(size=checkpoint.size) from error

    def row_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        with borrowed(self._pool) as db:
            query = (
                f"select hash from {self._rows.schema}.{self._rows.table}"
                " where position > %s and position <= %s order by position"
            )
            return [row[0] for row in db.execute(query, [start, stop], binary=True)]

    def stored_node(self, level: int, index: int) -> bytes:
        with borrowed(self._pool) as db:
            query = f"select hash from {self._rows.schema}.merkle_node where level = %s and index = %s"
            row = db.execute(query, [level, index], binary=True).fetchone()
        assert row is not None
        return bytes(row[0])

    def faults(self) -> Mapping[str, int]:
        with borrowed(self._pool) as db:
            row = db.cursor(row_factory=dict_row).execute(self._rows.audit).fetchone()
        return row or {}

    def close(self) -> None:
        self._pool.close()
