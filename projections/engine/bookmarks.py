"""Bookmarks: how far each build is folded in each partition, and the fence against workers that come too late."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from domain.errors import RelatoError
from domain.event import Event
from projections.engine.readmodel import Build
from projections.engine.statements import read_statements

_SQL = {name: text.encode() for name, text in read_statements(Path(__file__).with_name("engine.sql")).items()}


class LeaseLostError(RelatoError):
    """Another worker has opened the partition; nothing was written."""


class AheadError(RelatoError):
    """A read model has folded more than the ledger holds: was the ledger restored from an older backup? Facts that
    take the lost ones' numbers would be skipped. Let the service fold all of it again: `relato rebuild --start-over`.
    """


class Bookmarks:
    """Those of one worker. `at` is up to where all builds are folded, by partition."""

    def __init__(self, builds: Sequence[Build], worker: int, crew: str) -> None:
        self._builds, self._worker, self._crew = builds, worker, crew
        self.forget()

    def forget(self) -> None:
        self.at: Mapping[int, int] = {}
        self._marks: dict[Build, dict[int, int]] = {build: {} for build in self._builds}

    def open(self, db: psycopg.Connection[Any], partitions: Iterable[int]) -> None:
        """Takes those over whose leases the worker holds still; from then on nobody else can move them."""
        self.forget()
        by_table = {build.table: build for build in self._builds}
        given = {"crew": self._crew, "worker": self._worker, "tables": list(by_table), "partitions": list(partitions)}
        held = db.execute(_SQL["hold_leases"], given).fetchall()
        given["partitions"] = [p for (p,) in held]
        db.execute(_SQL["make_bookmarks"], given)
        for table, partition, seq in db.execute(_SQL["take_bookmarks"], given).fetchall():
            self._marks[by_table[table]][partition] = seq
        self.settle()

    def not_folded(self, build: Build, events: Sequence[Event]) -> Sequence[Event]:
        if (mark := self._marks[build]) == self.at:
            return events
        return [event for event in events if event.partition_seq > mark[event.partition]]

    def move(self, cursor: psycopg.Cursor[Any], through: Mapping[int, int], builds: Sequence[Build]) -> None:
        """In the database, by compare and set. LeaseLostError when one of them was moved or opened by another."""
        for group, was in self._groups(through, builds):
            given = {
                "tables": [build.table for build in group],
                "partitions": list(was),
                "was": list(was.values()),
                "now": [through[partition] for partition in was],
                "worker": self._worker,
            }
            if cursor.execute(_SQL["move_bookmarks"], given, prepare=True).rowcount != len(was) * len(group):
                raise LeaseLostError

    def moved(self, through: Mapping[int, int], builds: Iterable[Build]) -> None:
        """Here too, once that is committed."""
        for build in builds:
            mark = self._marks[build]
            mark.update({p: max(seq, mark[p]) for p, seq in through.items()})

    def settle(self) -> None:
        marks = list(self._marks.values())
        self.at = {p: min(mark[p] for mark in marks) for p in (marks[0] if marks else ())}

    def confirm(self, cursor: psycopg.Cursor[Any], build: Build, partitions: Collection[int]) -> None:
        """For a transaction that moves none. LeaseLostError when another has opened them."""
        given = {"tables": [build.table], "partitions": list(partitions), "worker": self._worker}
        if len(cursor.execute(_SQL["confirm_bookmarks"], given).fetchall()) != len(partitions):
            raise LeaseLostError

    def _groups(
        self, through: Mapping[int, int], builds: Iterable[Build]
    ) -> Iterator[tuple[Sequence[Build], dict[int, int]]]:
        """The places that are left, with the builds that leave the same ones together."""
        groups: dict[tuple[tuple[int, int], ...], list[Build]] = {}
        for build in builds:
            mark = self._marks[build]
            groups.setdefault(tuple((p, mark[p]) for p, seq in through.items() if mark[p] < seq), []).append(build)
        yield from ((group, dict(places)) for places, group in groups.items() if places)


def check_within(folded: Mapping[int, int], heads: Mapping[int, int]) -> None:
    """AheadError when more is folded than the ledger holds."""
    for partition, seq in folded.items():
        if seq > (head := heads.get(partition, 0)):
            raise AheadError(partition=partition, folded=seq, ledger=head)
