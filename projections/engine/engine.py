"""The projection engine: a batch is folded in memory; rows, totals, parked pointers and bookmarks commit together."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.cache import Cache
from domain.erasure import ERASURES, persons_of
from domain.event import Event
from projections.engine.bookmarks import AheadError, Bookmarks, LeaseLostError, check_within
from projections.engine.breaker import Breaker, BreakerError, Limits
from projections.engine.fold import Folded, Step, fold, plan
from projections.engine.leases import LIVE
from projections.engine.readmodel import Build, Key, Rows, known_types
from projections.engine.refusals import explain, is_refusal
from projections.engine.sources import Batch, LedgerReader
from projections.engine.statements import read_statements
from projections.engine.table import Cursor, Table

__all__ = ["AheadError", "BreakerError", "Engine", "LeaseLostError", "Limits", "check_within"]

_SQL = {name: text.encode() for name, text in read_statements(Path(__file__).with_name("engine.sql")).items()}


Watch = Callable[[Sequence[Event], int], None]
"""Told of each batch when all of it is committed, with the time it was begun, in nanoseconds since 1970."""


class Share(NamedTuple):
    """What one build makes of a batch."""

    build: Build
    steps: Sequence[Step]
    found: Rows
    missing: Sequence[Key]


class Engine:
    """Folds into the builds, for the partitions that were opened; once another opens them, every commit fails."""

    def __init__(
        self,
        db: psycopg.Connection[Any],
        builds: Iterable[Build],
        worker: int,
        *,
        crew: str = LIVE,
        limits: Limits | None = None,
        cache_size: int = 20_000,
        watch: Watch | None = None,
    ) -> None:
        self._db, self.builds, self._watch = db, tuple(builds), watch
        self._bookmarks, self._breaker = Bookmarks(self.builds, worker, crew), Breaker(limits or Limits())
        self._tables = {build: Table(db, build) for build in self.builds}
        self._searchable = tuple(build for build in self.builds if build.model.searchable)
        self._wanted = {t: tuple(b for b in self.builds if t in b.model.types) for t in known_types()}
        # An erasure concerns them whether their folds ask for it or not.
        for erasure in ERASURES:
            others = (build for build in self._searchable if erasure not in build.model.types)
            self._wanted[erasure] = (*self._wanted[erasure], *others)
        self.skip: Collection[str] = {t for t, builds in self._wanted.items() if not builds}
        self._caches: dict[Build, Cache[Key, Any]] = {build: Cache(cache_size) for build in self.builds}
        self.forget()

    @property
    def at(self) -> Mapping[int, int]:
        """Up to where all builds are folded, by partition."""
        return self._bookmarks.at

    def forget(self) -> None:
        """Nothing in memory is to be trusted any more: another may have written."""
        self._bookmarks.forget()
        self._stuck: dict[Build, set[UUID]] = {build: set() for build in self.builds}
        for cache in self._caches.values():
            cache.clear()

    def open(self, partitions: Iterable[int]) -> None:
        """Takes over the bookmarks of the partitions that the worker holds; what lies in memory is dropped."""
        self.forget()
        by_table = {build.table: build for build in self.builds}
        with self._db.transaction():
            self._bookmarks.open(self._db, partitions)
            given = {"tables": list(by_table), "partitions": list(self.at)}
            stuck = self._db.execute(_SQL["stuck_subjects"], given).fetchall()
        for table, subject_id in stuck:
            self._stuck[by_table[table]].add(subject_id)

    def take(self, batch: Batch) -> None:
        """Folds and commits. LeaseLostError, BreakerError, or psycopg's error: nothing, or a part of it in order."""
        self._breaker.reset()
        began_ns = time.time_ns()
        try:
            for part in self._parts(batch):
                self._apply(part, self.builds)
        finally:
            self._bookmarks.settle()
        if self._watch:
            self._watch(batch.events, began_ns)

    def refold(self, build: Build, subject_id: UUID, ledger: LedgerReader) -> int:
        """Folds a subject's parked events in order; answers how many are left. Its partition is open.

        Nothing has changed when the database refuses.
        """
        self._breaker.reset()
        stuck, given = self._stuck[build], {"table": build.table, "subject_id": subject_id}
        places = self._db.execute(_SQL["pointers"], given).fetchall()
        read = [event for place, seq in places for event in ledger.read(place, seq - 1, seq)]
        events = [event for event in read if build in self._wanted.get(event.type, self.builds)]
        try:
            with self._db.transaction(), self._db.cursor(binary=True) as cursor:
                self._bookmarks.confirm(cursor, build, {partition for partition, _ in places})
                _unpark(cursor, given, places)
                self._stuck[build] = stuck - {subject_id}
                done = self._write(cursor, (build,), [self._share(build, events)], events)
        except BaseException as error:
            self._stuck[build] = stuck
            if is_refusal(error):
                return len(places)
            raise
        self._remember((build,), done, events)
        return len(done[build].parked)

    def forget_persons(self) -> None:
        """Nulls what is kept in clear of whoever lost their keys lately."""
        derived = {build.model: build.model.derived for build in self._searchable}
        forgotten = {model: of.forgotten() for model, of in derived.items() if of}
        for build in self._searchable:
            if forgotten.get(build.model):
                with self._db.transaction(), self._db.cursor() as cursor:
                    self._tables[build].erase(cursor, forgotten[build.model])

    def readable(self) -> Sequence[tuple[Build, int, UUID]]:
        """Parked subjects of the open partitions that wait for a type which this code knows."""
        by_table = {build.table: build for build in self.builds}
        given = {"tables": list(by_table), "partitions": list(self.at), "types": list(known_types())}
        found = self._db.execute(_SQL["readable_subjects"], given).fetchall()
        return [(by_table[table], partition, subject_id) for table, partition, subject_id in found]

    def _parts(self, batch: Batch) -> Iterator[Batch]:
        """Cut after each erasure, so that it meets what was folded before it and nothing else."""
        if self._searchable:
            cuts = [n for n, event in enumerate(batch.events) if event.type in ERASURES]
            start = 0
            for n in cuts:
                yield _batch_of(batch.events[start : n + 1])
                start = n + 1
            yield Batch(batch.events[start:], batch.through)
        else:
            yield batch

    def _apply(self, batch: Batch, builds: Sequence[Build], *, pipelined: bool = True) -> None:
        """What the database refuses is searched for, by read model, then by halves, and parked alone."""
        try:
            self._commit(batch, builds, pipelined=pipelined)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(builds) > 1:
                for build in builds:
                    self._apply(batch, (build,), pipelined=False)
            elif len(batch.events) > 1:
                half = len(batch.events) // 2
                self._apply(_batch_of(batch.events[:half]), builds, pipelined=False)
                self._apply(Batch(batch.events[half:], batch.through), builds, pipelined=False)
            else:
                self._commit(batch, builds, refused=explain(error), pipelined=False)

    def _commit(self, batch: Batch, builds: Sequence[Build], *, refused: str | None = None, pipelined: bool) -> None:
        with self._db.transaction(), self._db.cursor(binary=True) as cursor:
            shares = [self._share(build, events, refused) for build, events in self._divide(batch.events, builds)]
            done = self._write(cursor, builds, shares, batch.events, pipelined=pipelined)
            self._bookmarks.move(cursor, batch.through, builds)
        self._remember(builds, done, batch.events)
        self._bookmarks.moved(batch.through, builds)

    def _write(
        self,
        cursor: Cursor,
        builds: Sequence[Build],
        shares: Sequence[Share],
        events: Sequence[Event],
        *,
        pipelined: bool = False,
    ) -> dict[Build, Folded]:
        self._load(shares)
        done: dict[Build, Folded] = {}
        # The server works on one table while the next is folded here.
        with self._pipeline(on=pipelined):
            for share in shares:
                folded = fold(share.build, share.steps, share.found, self._stuck[share.build])
                self._breaker.check(share.build, folded, self._stuck[share.build])
                self._save(cursor, share, folded)
                done[share.build] = folded
            self._erase(cursor, builds, events)
            if parked := [pointer for folded in done.values() for pointer in folded.parked]:
                cursor.execute(_SQL["park"], [list(column) for column in zip(*parked, strict=True)])
        return done

    def _pipeline(self, *, on: bool) -> AbstractContextManager[object]:
        return self._db.pipeline() if on else nullcontext()

    def _divide(self, events: Iterable[Event], builds: Sequence[Build]) -> Iterable[tuple[Build, Sequence[Event]]]:
        """What each build wants and has not folded; a type that nobody knows may concern every one."""
        shares: dict[Build, list[Event]] = {build: [] for build in builds}
        takers: dict[str, list[Callable[[Event], None]]] = {}
        for event in events:
            if (takes := takers.get(type_ := event.type)) is None:
                wanting = self._wanted.get(type_, self.builds)
                takes = takers[type_] = [shares[build].append for build in wanting if build in shares]
            for take in takes:
                take(event)
        return [(build, share) for build in builds if (share := self._bookmarks.not_folded(build, shares[build]))]

    def _share(self, build: Build, events: Iterable[Event], refused: str | None = None) -> Share:
        steps = plan(build.model, events, refused)
        found, missing = self._caches[build].find({key for _, keys, _ in steps for key in keys})
        return Share(build, steps, found, missing)

    def _load(self, shares: Iterable[Share]) -> None:
        """Fetches the rows that no cache held: one question a table, all asked before the first answer."""
        asked = [(share, self._db.cursor(binary=True)) for share in shares if share.missing]
        with self._pipeline(on=len(asked) > 1):
            for share, cursor in asked:
                self._tables[share.build].ask(cursor, share.missing)
            for share, cursor in asked:
                share.found.update(self._tables[share.build].answer(cursor, share.missing))

    def _save(self, cursor: Cursor, share: Share, folded: Folded) -> None:
        table = self._tables[share.build]
        if changed := folded.changed:
            table.write(cursor, changed)
            if table.sums:
                partition_of = {key: event.partition for event, keys, _ in share.steps for key in keys}
                table.sums.write(cursor, folded.before, changed, partition_of)

    def _erase(self, cursor: Cursor, builds: Iterable[Build], events: Iterable[Event]) -> None:
        """Also what is parked must not keep a person's data in clear."""
        searchable = [build for build in builds if build.model.searchable]
        if persons := _erased_persons(events) if searchable else None:
            for build in searchable:
                self._tables[build].erase(cursor, persons)

    def _remember(self, builds: Iterable[Build], done: Mapping[Build, Folded], events: Iterable[Event]) -> None:
        for build, folded in done.items():
            cache, rows = self._caches[build], folded.after
            if gone := [key for key, row in rows.items() if row is None]:
                cache.forget(gone)
                rows = {key: row for key, row in rows.items() if row is not None}
            cache.keep(rows)
            self._stuck[build] |= {p.subject_id for p in folded.parked}
            self._breaker.count(build, folded)
        searchable = [build for build in builds if build.model.searchable]
        if searchable and _erased_persons(events):
            for build in searchable:
                self._caches[build].clear()


def _unpark(cursor: Cursor, given: Mapping[str, object], places: Sequence[tuple[int, int]]) -> None:
    """Takes up the pointers that were read, and no others."""
    if sorted(cursor.execute(_SQL["unpark"], given).fetchall()) != places:
        raise LeaseLostError


def _erased_persons(events: Iterable[Event]) -> set[UUID]:
    persons: set[UUID] = set()
    for event in events:
        if event.type in ERASURES:
            with suppress(ValueError):  # it is parked, as one that cannot be read
                persons.update(persons_of(event))
    return persons


def _batch_of(events: Sequence[Event]) -> Batch:
    """As far as these events reach."""
    return Batch(events, {event.partition: event.partition_seq for event in events})
