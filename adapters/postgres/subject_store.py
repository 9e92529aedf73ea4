"""The tree over each subject's newest row, beside the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256

import psycopg
from psycopg_pool import ConnectionPool

from adapters.postgres.pooled import borrowed
from streams.checkpoints.checkpointer import SupersededError
from streams.checkpoints.subjects import DamagedTreeError, Growth

NEWEST = """
select sha256(uuid_send(subject_id)), sha256(uuid_send(subject_id) || int8send(subject_seq) || hash)
  from (select distinct on (subject_id) subject_id, subject_seq, hash from ledger.fact
          where position > %s and position <= %s order by subject_id, subject_seq desc) newest"""
RECOMPUTED = f"""
select get_byte(key, 0) * 256 + get_byte(key, 1), sha256(string_agg(key || value, ''::bytea order by key))
  from ({NEWEST}) entry(key, value) group by 1"""
SAVE_BUCKETS = """
insert into ledger.subject_bucket select * from unnest(%b::int[], %b::bytea[], %b::bytea[])
  on conflict (bucket) do update set entries = excluded.entries, hash = excluded.hash"""
BEGIN = "insert into ledger.subject_tree (size, root) values (%s, %s) on conflict do nothing"
GO_ON = "update ledger.subject_tree set size = %s, root = %s where size = %s"


class PostgresSubjectStore:
    """A SubjectStore, over sessions that are another's."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def load(self) -> tuple[int, bytes, Sequence[tuple[int, bytes]]]:
        with borrowed(self._pool) as db:
            return load(db)

    def entries(self, buckets: Collection[int]) -> Mapping[int, bytes]:
        with borrowed(self._pool) as db:
            return read_entries(db, buckets)

    def newest(self, start: int, stop: int) -> Sequence[tuple[bytes, bytes]]:
        with borrowed(self._pool) as db:
            return db.execute(NEWEST, [start, stop], binary=True).fetchall()

    def signed(self, buckets: Collection[int]) -> tuple[str, Sequence[tuple[int, bytes]], Mapping[int, bytes]]:
        with borrowed(self._pool) as db:
            _, _, hashes = load(db)
            note = db.execute("select note from ledger.checkpoint order by size desc limit 1").fetchone()
            return note[0] if note else "", hashes, read_entries(db, buckets)

    def save(self, growth: Growth) -> None:
        with borrowed(self._pool) as db:
            save(db, growth)

    def recomputed(self, size: int) -> Sequence[tuple[int, bytes]]:
        with borrowed(self._pool) as db:
            return db.execute(RECOMPUTED.encode(), [0, size], binary=True).fetchall()


def load(db: psycopg.Connection) -> tuple[int, bytes, Sequence[tuple[int, bytes]]]:
    db.execute("set transaction isolation level repeatable read")
    tree = db.execute("select size, root from ledger.subject_tree", binary=True).fetchone()
    hashes = db.execute("select bucket, hash from ledger.subject_bucket", binary=True).fetchall()
    return (*(tree or (0, b"")), hashes)


def read_entries(db: psycopg.Connection, buckets: Collection[int]) -> Mapping[int, bytes]:
    query = "select bucket, entries, hash from ledger.subject_bucket where bucket = any(%s)"
    found = db.execute(query, [list(buckets)], binary=True).fetchall()
    if damaged := [bucket for bucket, entries, expected in found if sha256(entries).digest() != expected]:
        raise DamagedTreeError(bucket=min(damaged))
    return {bucket: entries for bucket, entries, _ in found}


def save(db: psycopg.Connection, growth: Growth) -> None:
    if growth.before:
        moved = db.execute(GO_ON, [growth.size, growth.root, growth.before])
    else:
        moved = db.execute(BEGIN, [growth.size, growth.root])
    if moved.rowcount != 1:
        raise SupersededError(size=growth.size)
    buckets = sorted(growth.entries)  # in one order, that two do not wait for each other
    entries = [growth.entries[bucket] for bucket in buckets]
    db.execute(SAVE_BUCKETS, [buckets, entries, [sha256(content).digest() for content in entries]])
