"""The projection engine: a batch is folded in memory; rows, totals, parked pointers and bookmarks commit together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.cache import Cache
from domain.customer.facts import PersonErased
from domain.errors import RelatoError
from domain.event import Event
from projections.engine.fold import WAITS, Folded, Step, fold, plan
from projections.engine.leases import LIVE
from projections.engine.readmodel import Build, Key, Rows, known_types
from projections.engine.refusals import explain, is_refusal
from projections.engine.sources import Batch, LedgerReader
from projections.engine.statements import read_statements
from projections.engine.table import Cursor, Table

_SQL = {name: text.encode() for name, text in read_statements(Path(__file__).with_name("engine.sql")).items()}


class LeaseLostError(RelatoError):
    """Another worker has opened the partition; nothing was written."""


class AheadError(RelatoError):
    """A read model has folded more than the ledger holds: was the ledger restored from an older backup? Facts that
    take the lost ones' numbers would be skipped. Let the service start over: all of it is folded again.
    """


class BreakerError(RelatoError):
    """A read model would park too many subjects, which is a fault of its code, not of single facts; it has stopped
    before them. Mend its fold, or deploy the release that knows the type, and start again: nothing was skipped.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """So many subjects may one read model park in one batch, and in all the partitions of one worker."""

    batch: int = 20
    total: int = 1000


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
    ) -> None:
        self._db, self._worker, self._crew, self._limits = db, worker, crew, limits or Limits()
        self.builds = tuple(builds)
        self._tables = {build: Table(db, build) for build in self.builds}
        self._searchable = tuple(build for build in self.builds if build.model.searchable)
        self._wanted = {t: tuple(b for b in self.builds if t in b.model.types) for t in known_types()}
        # An erasure concerns them whether their folds ask for it or not.
        others = (build for build in self._searchable if PersonErased.TYPE not in build.model.types)
        self._wanted[PersonErased.TYPE] = (*self._wanted[PersonErased.TYPE], *others)
        self.skip: Collection[str] = {t for t, builds in self._wanted.items() if not builds}
        self._caches: dict[Build, Cache[Key, Any]] = {build: Cache(cache_size) for build in self.builds}
        self._fresh: dict[Build, set[UUID]] = {}
        self.forget()

    @property
    def at(self) -> Mapping[int, int]:
        """Up to where all builds are folded, by partition."""
        return self._at

    def forget(self) -> None:
        """Nothing in memory is to be trusted any more: another may have written."""
        self._at: dict[int, int] = {}
        self._marks: dict[Build, dict[int, int]] = {build: {} for build in self.builds}
        self._stuck: dict[Build, set[UUID]] = {build: set() for build in self.builds}
        for cache in self._caches.values():
            cache.clear()

    def open(self, partitions: Iterable[int]) -> None:
        """Takes over the bookmarks of the partitions that the worker holds; what lies in memory is dropped."""
        self.forget()
        by_table = {build.table: build for build in self.builds}
        given = {"crew": self._crew, "worker": self._worker, "tables": list(by_table), "partitions": list(partitions)}
        with self._db.transaction():
            held = self._db.execute(_SQL["hold_leases"], given).fetchall()
            given["partitions"] = [p for (p,) in held]
            self._db.execute(_SQL["make_bookmarks"], given)
            marks = self._db.execute(_SQL["take_bookmarks"], given).fetchall()
            stuck = self._db.execute(_SQL["stuck_subjects"], given).fetchall()
        for table, partition, seq in marks:
            self._marks[by_table[table]][partition] = seq
        for table, subject_id in stuck:
            self._stuck[by_table[table]].add(subject_id)
        self._advance()

    def take(self, batch: Batch) -> None:
        """Folds and commits. LeaseLostError, BreakerError, or psycopg's error: nothing, or a part of it in order."""
        self._fresh = {build: set() for build in self.builds}
        try:
            for part in self._parts(batch):
                self._apply(part, self.builds)
        finally:
            self._advance()

    def refold(self, build: Build, subject_id: UUID, ledger: LedgerReader) -> int:
        """Folds a subject's parked events in order; answers how many are left. Its partition is open.

        Nothing has changed when the database refuses.
        """
        self._fresh = {build: set()}
        stuck, given = self._stuck[build], {"table": build.table, "subject_id": subject_id}
        places = self._db.execute(_SQL["pointers"], given).fetchall()
        read = [event for place, seq in places for event in ledger.read(place, seq - 1, seq)]
        events = [event for event in read if build in self._wanted.get(event.type, self.builds)]
        try:
            with self._db.transaction(), self._db.cursor(binary=True) as cursor:
                self._confirm(cursor, build, {partition for partition, _ in places})
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

    def readable(self) -> Sequence[tuple[Build, int, UUID]]:
        """Parked subjects of the open partitions that wait for a type which this code knows."""
        by_table = {build.table: build for build in self.builds}
        given = {"tables": list(by_table), "partitions": list(self._at), "types": list(known_types())}
        found = self._db.execute(_SQL["readable_subjects"], given).fetchall()
        return [(by_table[table], partition, subject_id) for table, partition, subject_id in found]

    def _advance(self) -> None:
        marks = list(self._marks.values())
        self._at = {p: min(mark[p] for mark in marks) for p in (marks[0] if marks else ())}

    def _parts(self, batch: Batch) -> Iterator[Batch]:
        """Cut after each erasure, so that it meets what was folded before it and nothing else."""
        if self._searchable:
            cuts = [n for n, event in enumerate(batch.events) if event.type == PersonErased.TYPE]
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
            for group, was, now in self._moves(batch.through, builds):
                given = {"tables": [b.table for b in group], "worker": self._worker,
                         "partitions": list(was), "was": list(was.values()), "now": now}  # fmt: skip
                if cursor.execute(_SQL["move_bookmarks"], given, prepare=True).rowcount != len(was) * len(group):
                    raise LeaseLostError
        self._remember(builds, done, batch.events)
        for build in builds:
            mark = self._marks[build]
            mark.update({p: max(seq, mark[p]) for p, seq in batch.through.items()})

    def _moves(
        self, through: Mapping[int, int], builds: Sequence[Build]
    ) -> Iterator[tuple[Sequence[Build], dict[int, int], list[int]]]:
        """The bookmarks to move, the builds that stand at the same places together."""
        groups: dict[tuple[tuple[int, int], ...], list[Build]] = {}
        for build in builds:
            mark = self._marks[build]
            groups.setdefault(tuple((p, mark[p]) for p, seq in through.items() if mark[p] < seq), []).append(build)
        for places, group in groups.items():
            if places:
                yield group, dict(places), [through[p] for p, _ in places]

    def _confirm(self, cursor: Cursor, build: Build, partitions: Collection[int]) -> None:
        given = {"tables": [build.table], "partitions": list(partitions), "worker": self._worker}
        if len(cursor.execute(_SQL["confirm_bookmarks"], given).fetchall()) != len(partitions):
            raise LeaseLostError

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
                done[share.build] = fold(share.build, share.steps, share.found, self._stuck[share.build])
                self._save(cursor, share, done[share.build])
            self._erase(cursor, builds, events)
            if parked := [pointer for folded in done.values() for pointer in folded.parked]:
                self._check_breaker(done)
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
        return [(build, share) for build in builds if (share := self._not_folded(build, shares[build]))]

    def _not_folded(self, build: Build, events: Sequence[Event]) -> Sequence[Event]:
        if (mark := self._marks[build]) == self._at:
            return events
        return [event for event in events if event.partition_seq > mark[event.partition]]

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

    def _check_breaker(self, done: Mapping[Build, Folded]) -> None:
        for build, folded in done.items():
            causes = {p.subject_id: p for p in reversed(folded.parked) if p.cause != WAITS}
            fresh = self._fresh[build] | causes.keys()
            if len(fresh) > self._limits.batch or len(self._stuck[build] | fresh) > self._limits.total:
                first = next(p for p in folded.parked if p.cause != WAITS)
                raise BreakerError(
                    read_model=build.table, subjects=len(fresh), first_type=first.type, first_cause=first.cause,
                    partition=first.partition, partition_seq=first.partition_seq,
                )  # fmt: skip

    def _remember(self, builds: Iterable[Build], done: Mapping[Build, Folded], events: Iterable[Event]) -> None:
        for build, folded in done.items():
            cache, rows = self._caches[build], folded.after
            if gone := [key for key, row in rows.items() if row is None]:
                cache.forget(gone)
                rows = {key: row for key, row in rows.items() if row is not None}
            cache.keep(rows)
            self._stuck[build] |= {p.subject_id for p in folded.parked}
            self._fresh[build] |= {p.subject_id for p in folded.parked if p.cause != WAITS}
        searchable = [build for build in builds if build.model.searchable]
        if searchable and _erased_persons(events):
            for build in searchable:
                self._caches[build].clear()


def check_within(folded: Mapping[int, int], heads: Mapping[int, int]) -> None:
    """AheadError when more is folded than the ledger holds."""
    for partition, seq in folded.items():
        if seq > (head := heads.get(partition, 0)):
            raise AheadError(partition=partition, folded=seq, ledger=head)


def _unpark(cursor: Cursor, given: Mapping[str, object], places: Sequence[tuple[int, int]]) -> None:
    """Takes up the pointers that were read, and no others."""
    if sorted(cursor.execute(_SQL["unpark"], given).fetchall()) != places:
        raise LeaseLostError


def _erased_persons(events: Iterable[Event]) -> set[UUID]:
    persons: set[UUID] = set()
    for event in events:
        if event.type == PersonErased.TYPE:
            with suppress(ValueError):  # it is parked, as one that cannot be read
                assert isinstance(event.fact, PersonErased)
                persons.update(event.fact.person_ids)
    return persons


def _batch_of(events: Sequence[Event]) -> Batch:
    """As far as these events reach."""
    return Batch(events, {event.partition: event.partition_seq for event in events})
