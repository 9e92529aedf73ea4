"""The ledger as folds read it: forward by position for many partitions at once, or a stretch of one partition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from adapters.postgres.libpq import DatabaseAwayError, DatabaseRefusedError, first_line
from domain.event import Event
from projections.engine.sources import NOTHING, Batch
from projections.engine.statements import read_statements

T = TypeVar("T")
WIDEST = 65_536
_SQL = {name: text.encode() for name, text in read_statements(Path(__file__).with_suffix(".sql")).items()}


class LedgerSource:
    """A Log and a LedgerReader over one session; for one thread. Raises UnavailableError."""

    def __init__(self, dsn: str, *, listen: bool = True) -> None:
        self._db = _connect(dsn)
        self._position, self._width = 0, 0
        self._through: dict[int, int] = {}
        if listen:  # before the first read, or a wake-up is lost
            self._run(lambda: self._db.execute("listen ledger"))
        self._listens = listen

    def read_on(self, after: Mapping[int, int], *, limit: int, timeout_s: float, skip: Collection[str]) -> Batch:
        return self._run(lambda: self._read_on(after, limit, timeout_s, list(skip)))

    def read(self, partition: int, after: int, until: int) -> Sequence[Event]:
        return self._run(
            lambda: self._fetch("read_partition", {"partition": partition, "after": after, "until": until})
        )

    def heads(self) -> Mapping[int, int]:
        return self._run(lambda: dict(self._db.execute(_SQL["heads"]).fetchall()))

    def close(self) -> None:
        self._db.close()

    def _read_on(self, after: Mapping[int, int], limit: int, timeout_s: float, skip: list[str]) -> Batch:
        if not after:
            return NOTHING
        if not after.items() <= self._through.items():
            self._seek(after)
        elif len(after) < len(self._through):  # what comes back later is sought
            self._through = dict(after)
        if not (heads := self._look_ahead(limit)) and timeout_s and self._listens:
            self._await_notice(timeout_s)
            heads = self._look_ahead(limit)
        if not heads:
            return NOTHING
        last = max(position for _, _, position in heads)
        window = {"after": self._position, "until": last, "partitions": list(after), "skip": skip}
        events = [e for e in self._fetch("read_window", window) if e.partition_seq > after[e.partition]]
        self._position = last
        self._adapt(len(events), limit)
        through = {p: seq for p, seq, _ in heads if seq > after.get(p, seq)}
        self._through |= through
        return Batch(events, through)

    def _seek(self, after: Mapping[int, int]) -> None:
        """To the first position at which one of the partitions goes on; the others' repeats are dropped."""
        given = {"partitions": list(after), "seqs": list(after.values())}
        found = self._db.execute(_SQL["seek"], given).fetchone()
        assert found is not None
        self._position, self._through, self._width = found[0], dict(after), 0

    def _look_ahead(self, limit: int) -> Sequence[tuple[int, int, int]]:
        """How far each partition goes within the next stretch of the log."""
        self._width = max(self._width, limit)
        given = {"after": self._position, "until": self._position + self._width}
        with self._db.cursor(binary=True) as cursor:
            return cursor.execute(_SQL["look_ahead"], given, prepare=True).fetchall()

    def _adapt(self, found: int, limit: int) -> None:
        """The rarer the types that are wanted, the longer the stretch."""
        if found < limit // 2:
            self._width = min(self._width * 2, WIDEST)
        elif found > limit:
            self._width = max(self._width // 2, limit)

    def _await_notice(self, timeout_s: float) -> None:
        for _ in self._db.notifies(timeout=timeout_s, stop_after=1):
            pass

    def _fetch(self, statement: str, given: Mapping[str, object]) -> list[Event]:
        with self._db.cursor(binary=True) as cursor:
            return [Event(*row) for row in cursor.execute(_SQL[statement], given, prepare=True).fetchall()]

    def _run(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except psycopg.OperationalError as error:
            with suppress(psycopg.Error):
                self._db.close()
            raise DatabaseRefusedError(reason=first_line(error)) from error


def _connect(dsn: str) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(dsn, autocommit=True, application_name="relato folds", options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        raise DatabaseAwayError(reason=first_line(error)) from error
