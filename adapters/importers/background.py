"""Imports that run beside everything else: one at a time, in a process of its own, told about while it runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol
from uuid import UUID

from adapters.ids import uuid7
from adapters.importers.spool import Spool, written
from domain.errors import RefusedError, UnavailableError, UnknownError

KEPT = timedelta(hours=24)  # rejects and status, after the end
ENDING_S = 20.0
KILLED = "ended"  # the problem's code of a process that said nothing more


class ImportBusyError(UnavailableError):
    """Another import is under way; there is one at a time. Come back when it is done."""


class ImportCancelledError(RefusedError):
    """The import was cancelled while its file was still coming."""


class State(StrEnum):
    RECEIVING = "receiving"
    RUNNING = "running"
    CANCELLING = "cancelling"  # it ends after the rows at hand
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the server ended meanwhile: send the same again, it goes on


UNDER_WAY = (State.RECEIVING, State.RUNNING, State.CANCELLING)


class Order(NamedTuple):
    """What an import process is told. Paths are absolute; `format_` or `mapping`."""

    path: Path
    rejects: Path
    actor: str
    format_: str | None = None
    mapping: Path | None = None
    dry_run: bool = False
    again: bool = False


class Running(Protocol):
    """An import process."""

    def messages(self) -> Iterator[Mapping[str, Any]]:
        """`progress`, and at the end `report` or `problem`, until it has ended; KILLED where it told neither."""

    def stop(self) -> None:
        """It ends after the chunk at hand."""

    def kill(self) -> None: ...


class Lease(Protocol):
    """Held by whoever imports, wherever they run."""

    def close(self) -> None: ...


Start = Callable[[Order], Running]
Lead = Callable[[], Lease | None]
"""None while somebody else holds it. Raises UnavailableError."""


@dataclass
class Import:
    """One import as it stands; no value of any row."""

    id: UUID
    mapping: str
    file: str
    dry_run: bool
    began_at: datetime
    state: State = State.RECEIVING
    bytes_received: int = 0
    progress: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    problem: Mapping[str, Any] | None = None
    running_since: datetime | None = None
    ended_at: datetime | None = None

    def told(self, now: datetime) -> dict[str, Any]:
        return {
            "import_id": str(self.id),
            "state": str(self.state),
            "mapping": self.mapping,
            "file": self.file,
            "dry_run": self.dry_run,
            "began_at": self.began_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "bytes_received": self.bytes_received,
            "progress": dict(self.progress) or None,
            "eta_s": self._eta_s(now),
            "report": self.report,
            "problem": self.problem,
        }

    def _eta_s(self, now: datetime) -> float | None:
        """Of the file at hand, by the bytes that were read."""
        read, total = self.progress.get("bytes_read"), self.progress.get("bytes_total")
        if self.state is not State.RUNNING or not read or not total or not self.running_since:
            return None
        passed_s: float = (now - self.running_since).total_seconds()
        return round(passed_s * float((total - read) / read), 1)


class Receiving:
    """An upload on its way to the spool, with the right to import; `start` or `abort` it."""

    def __init__(self, imports: Imports, one: Import, file: IO[bytes], order: Order, lease: Lease) -> None:
        self.one, self._imports, self._file, self._order, self._lease = one, imports, file, order, lease

    def write(self, piece: bytes) -> None:
        """Raises ImportCancelledError, SpoolError."""
        self._check()
        with written():
            self._file.write(piece)
        self.one.bytes_received += len(piece)

    def start(self) -> None:
        """Raises ImportCancelledError, UnavailableError."""
        self._check()
        with written():
            self._file.close()
        self._imports.start(self.one, self._order, self._lease)

    def _check(self) -> None:
        if self.one.state is State.CANCELLING:
            raise ImportCancelledError

    def abort(self) -> None:
        """Nothing of it stays."""
        self._file.close()
        self._imports.forget(self.one)
        self._lease.close()


class Imports:
    """Safe from many threads."""

    def __init__(self, spool: Spool, start: Start, lead: Lead) -> None:
        self._spool, self._start, self._lead = spool, start, lead
        self._lock = threading.Lock()
        self._current: Import | None = None
        self._running: Running | None = None
        self._thread: threading.Thread | None = None
        self._killing: threading.Timer | None = None
        self._closing = False

    def receive(self, mapping: str, file: str, actor: str, *, dry_run: bool = False, again: bool = False) -> Receiving:
        """Raises ImportBusyError, UnknownError for a mapping that is not there, FileNameError, UnavailableError."""
        format_, path = self._find_mapping(mapping)
        with self._lock:
            if self._closing or self._current or (lease := self._lead()) is None:
                raise ImportBusyError
            one = Import(uuid7(), mapping, file, dry_run, _now())
            try:
                self._sweep()
                opened = self._spool.create(one.id, file)
            except BaseException:
                lease.close()
                raise
            self._current = one
        source, rejects = self._spool.source_of(one.id, file), self._spool.rejects_of(one.id)
        order = Order(source, rejects, actor, format_, path, dry_run, again)
        return Receiving(self, one, opened, order, lease)

    def start(self, one: Import, order: Order, lease: Lease) -> None:
        one.state, one.running_since = State.RUNNING, _now()
        self._spool.save(one.id, one.told(_now()))
        running = self._start(order)
        thread = threading.Thread(target=self._follow, args=(one, running, lease), name="import", daemon=True)
        with self._lock:
            self._running, self._thread = running, thread
            if self._closing:
                running.stop()
        thread.start()

    def read(self, import_id: UUID) -> dict[str, Any]:
        """Raises UnknownError."""
        current = self._current
        if current is not None and current.id == import_id:
            return current.told(_now())
        if (found := self._spool.load(import_id)) is None:
            raise UnknownError(**{"import": import_id})
        found = _legible(found)
        if found["state"] in UNDER_WAY:  # nobody is at it any more
            found["state"] = str(State.INTERRUPTED)
        return found

    def list_all(self) -> list[dict[str, Any]]:
        return [found for import_id in self._spool.ids() if (found := self._read_or_none(import_id))]

    def rejects(self, import_id: UUID, file: str | None) -> Path:
        """Of one file of the mapping, if it has several. Raises UnknownError: then nothing was rejected."""
        self.read(import_id)
        found = self._spool.list_rejects(import_id)
        wanted = [path for path in found if file is None or path.stem == f"rejects.{file}"]
        if not wanted:
            raise UnknownError(rejects=import_id)
        return wanted[0]

    def cancel(self, import_id: UUID) -> dict[str, Any]:
        """What runs ends after the chunk at hand, or is ended; what has ended is removed, rejects and all.

        Raises UnknownError.
        """
        with self._lock:
            current, running = self._current, self._running
            if current is not None and current.id == import_id:
                current.state = State.CANCELLING
                if running is not None:
                    running.stop()
                    self._kill_soon(running)
                return current.told(_now())
        told = self.read(import_id)
        self._spool.remove(import_id)
        return told

    def _kill_soon(self, running: Running) -> None:
        """What is digested, or has no rows, comes to no chunk."""
        if self._killing is None:
            self._killing = threading.Timer(ENDING_S, running.kill)
            self._killing.daemon = True
            self._killing.start()

    def keep_mapping(self, name: str, text: str) -> None:
        self._spool.keep_mapping(name, text)

    def tidy(self) -> None:
        """When we begin: what a server that was killed left behind in clear goes. Unless somebody imports."""
        if (lease := self._lead()) is not None:
            self._sweep()
            lease.close()

    def forget(self, one: Import) -> None:
        self._spool.remove(one.id)
        with self._lock:
            self._current = None

    def close(self) -> None:
        """What runs is interrupted; the same upload goes on from there."""
        with self._lock:
            self._closing = True
            running, thread = self._running, self._thread
        if running is None or thread is None:
            return
        running.stop()
        thread.join(ENDING_S)
        if thread.is_alive():
            running.kill()
            thread.join()

    def _follow(self, one: Import, running: Running, lease: Lease) -> None:
        last: Mapping[str, Any] = {}
        try:
            for message in map(_legible, running.messages()):
                one.progress, last = message.get("progress", one.progress), message
        finally:
            self._end(one, last)
            lease.close()

    def _end(self, one: Import, last: Mapping[str, Any]) -> None:
        self._spool.drop_source(one.id)
        one.report, one.problem, one.ended_at = last.get("report"), last.get("problem"), _now()
        if one.report is not None and not one.report["interrupted"]:
            one.state = State.DONE
        elif one.problem is not None and not (one.state is State.CANCELLING and one.problem["code"] == KILLED):
            one.state = State.FAILED
        else:
            one.state = State.CANCELLED if one.state is State.CANCELLING else State.INTERRUPTED
        try:
            self._spool.save(one.id, one.told(one.ended_at))
        finally:
            with self._lock:
                if self._killing is not None:
                    self._killing.cancel()
                self._current = self._running = self._killing = None

    def _sweep(self) -> None:
        for import_id in self._spool.ids():
            self._spool.drop_source(import_id)
            found = self._spool.load(import_id)
            if found is None or _now() - datetime.fromisoformat(found["ended_at"] or found["began_at"]) > KEPT:
                self._spool.remove(import_id)

    def _read_or_none(self, import_id: UUID) -> dict[str, Any] | None:
        try:
            return self.read(import_id)
        except UnknownError:
            return None

    def _find_mapping(self, name: str) -> tuple[str | None, Path | None]:
        from adapters.importers.mapping import known_formats  # noqa: PLC0415 loads the language

        if name in {known.name for known in known_formats()}:
            return name, None
        if (path := self._spool.find_mapping(name)) is not None:
            return None, path
        raise UnknownError(mapping=name[:100])


def _legible(told: Mapping[str, Any]) -> dict[str, Any]:
    """Without the bytes of a file that are no text: no answer could hold them."""
    legible: dict[str, Any] = json.loads(json.dumps(told, ensure_ascii=False, default=str).encode(errors="replace"))
    return legible


def _now() -> datetime:
    return datetime.now(UTC)
