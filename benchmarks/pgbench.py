"""PostgreSQL's own yardstick: pgbench inserting one row of a fact's width, under a fact's indexes, a transaction."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg

from adapters.postgres.server import find_binary
from benchmarks.harness import cores

TABLE = """
create table if not exists public.row_like_fact
  (like ledger.fact including defaults including constraints including indexes);
create sequence if not exists public.row_number;
"""
# As our own callers do it: ids in order of time, one of 1,000 streams at random, the next number of each sequence.
SCRIPT = """
\\set stream random(1, 1000)
insert into public.row_like_fact
  select n, :stream & 63, n, s, n, s, n, uuidv7(), c, c, c, now(), now(), 'crm.ticket.noted.v1', 'bench', 'command',
         '\\x{data}'::bytea, '\\x{fingerprint}'::bytea, '\\x{hash}'::bytea
    from (select nextval('public.row_number') as n, uuidv7() as c,
                 ('00000000-0000-7000-8000-' || lpad(:stream::text, 12, '0'))::uuid as s) x;
"""


class PgBench:
    """Its table stands beside the ledger; `width` is the length of a fact's data in bytes."""

    def __init__(self, owner_dsn: str, folder: Path, width: int) -> None:
        self._dsn, self._script = owner_dsn, folder / "insert.sql"
        with psycopg.connect(owner_dsn, autocommit=True) as db:
            db.execute(TABLE)
        parts = {"data": "61" * width, "fingerprint": "66" * 16, "hash": "68" * 32}
        self._script.write_text(SCRIPT.format(**parts))

    def run(self, clients: int, seconds: float) -> float:
        """Transactions in a second."""
        threads = str(min(cores(), clients))
        command: list[str | Path] = [find_binary("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", threads]
        command += ["-T", str(max(1, round(seconds))), "-f", self._script, self._dsn]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rate = re.search(r"tps = ([\d.]+)", told)
        assert rate is not None, told
        return float(rate[1])
