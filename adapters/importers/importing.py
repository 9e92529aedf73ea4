"""Runs an import: rows to items, items to the ledger in chunks, the place saved after each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from adapters.importers.ahead import LARGE_BYTES, Keyed, ReadAhead
from adapters.importers.archives import Source
from adapters.importers.compile import Compiler
from adapters.importers.errors import RejectsError
from adapters.importers.inputs import choose_inputs
from adapters.importers.lane import Lane
from adapters.importers.mapping import check_commands, load_mapping
from adapters.importers.overlay import OverlayLedger
from adapters.importers.portions import Portion, Task
from adapters.importers.progress import ImportProgress, Unsaved
from adapters.importers.reading import Reading, read
from adapters.importers.rejects import RejectsFile
from adapters.importers.report import FileReport, ImportReport
from adapters.importers.settle import Settler
from adapters.keys.derivation import Derivation
from domain.execute import Executor
from domain.ports import Ledger, Vault

CHUNK = 1_500


@dataclass(frozen=True, slots=True)
class Progress:
    """Told while the import runs."""

    file: str
    rows: int
    bytes_read: int
    bytes_total: int
    accepted: int = 0  # commands, as far as they are settled
    rejected: int = 0  # commands, and rows that could not be read


class ImportVault(Vault, Protocol):
    """`derivation` gives ids and fingerprints as the vault itself does, in another process too."""

    @property
    def derivation(self) -> Derivation: ...


def _silent(_: Progress) -> None: ...


def _never() -> bool:
    return False


def run(
    format_: str | None,
    path: Path,
    mapping: Path | None = None,
    *,
    executor: Executor,
    ledger: Ledger,
    vault: ImportVault,
    progress: ImportProgress,
    actor: str,
    rejects_path: Path,
    dry_run: bool = False,
    again: bool = False,
    chunk_size: int = CHUNK,
    on_progress: Callable[[Progress], None] = _silent,
    stop: Callable[[], bool] = _never,
) -> ImportReport:
    """Imports what is at `path`; `stop` is asked between chunks.

    Raises ImportStoppedError when it cannot go on; what was settled stays, and is recognised when the file comes again.
    """
    started = time.monotonic()
    written = load_mapping(format_, mapping)
    commands = check_commands(written, executor.registry)
    if dry_run:
        ledger, progress = OverlayLedger(ledger), Unsaved(progress)
        executor = Executor(ledger, vault, executor.registry, clock=lambda: datetime.now(UTC), checks=executor.checks)
    compiler = Compiler(written, commands, vault.derivation.derive_id, actor)
    settler, keyed = Settler(executor, ledger, vault), vault.derivation.fingerprint
    job = _Job(compiler, settler, keyed, progress, rejects_path, again, chunk_size, on_progress, stop)
    report = ImportReport(source=written.source, dry_run=dry_run)
    job.import_all(choose_inputs(written, path), report)
    report.seconds = time.monotonic() - started
    return report


@dataclass(frozen=True)
class _Job:
    compiler: Compiler
    settler: Settler
    keyed: Keyed
    progress: ImportProgress
    rejects_path: Path
    again: bool
    chunk_size: int
    on_progress: Callable[[Progress], None]
    stop: Callable[[], bool]

    def import_all(self, inputs: Mapping[str, Source], report: ImportReport) -> None:
        self.compiler.load_tables(inputs)
        wanted = {name: source for name, source in inputs.items() if self.compiler.mapping.rules_of(name)}
        contents = {name: self._check(name, source) for name, source in wanted.items()}
        for name, source in wanted.items():
            if report.interrupted:
                return
            report.files.append(self._import_file(name, source, contents[name]))
            report.interrupted = not report.files[-1].finished or self.stop()
        report.interrupted = not all(file.finished for file in report.files)

    def _check(self, name: str, source: Source) -> bytes:
        """Whole, and with all columns, before anything of any file is imported; answers its digest."""
        path = self._rejects_path(name)
        if path.exists() and path.samefile(source.path):
            raise RejectsError("the rejects would overwrite what is imported; name another file", file=path)
        content = source.digest()
        with read(source, self.compiler.mapping.files[name].csv) as reading:
            self.compiler.compile_plan(name, source.name, reading.columns, {})
        return content

    def _import_file(self, name: str, source: Source, content: bytes) -> FileReport:
        path, mapping = self._rejects_path(name), self.compiler.mapping
        kept_as = f"{mapping.source}/{name}"
        digest = hashlib.sha256(repr(mapping).encode() + content).digest()
        known = self.progress.find(kept_as, digest)
        if known.finished and not self.again:
            return FileReport(file=source.name, finished=True, nothing_to_do=True)
        start = 0 if self.again else known.row_number
        report = FileReport(file=source.name, rows=start, started_at_row=start)
        task = Task(self.compiler, name, source, self.compiler.find_returning(name, source), self.chunk_size)
        with task.read() as reading, closing(RejectsFile(path, kept_as, content, reading.columns)) as rejects:
            lane = Lane(self.settler, rejects, report, save=partial(self.progress.save, kept_as, digest))
            with closing(self._portions(task, reading, start)) as portions:
                self._feed(portions, source, lane, report)
            report.rejects = rejects.path if rejects.is_open else None
        return report

    def _portions(self, task: Task, reading: Reading, start: int) -> Generator[Portion]:
        """Of a large file our own until the process that reads ahead is up, then those that it made."""
        plan = task.plan(reading)
        ours = task.portions(plan, reading, start)
        if task.source.size < LARGE_BYTES:
            yield from ours
            return
        with ReadAhead(task, plan.recipes, self.keyed) as ahead:
            for portion in ours:
                yield portion
                all_told = bool(portion.items) or portion.seq <= start  # nothing of the rows up to here is left with us
                if all_told and not portion.waited and ahead.is_up():
                    yield from ahead.portions(after=max(start, portion.seq))
                    return

    def _feed(self, portions: Iterable[Portion], source: Source, lane: Lane, report: FileReport) -> None:
        """Takes a portion while the one before it is settled."""
        total, seq = source.size, 0
        with lane:
            for items, seq, bytes_read, waited in portions:
                if items:
                    lane.submit(items, seq)
                    if not waited and self.stop():
                        return
                elif not waited:
                    self.on_progress(Progress(source.name, seq, bytes_read, total, *report.verdicts))
            lane.finish(seq)
        self.on_progress(Progress(source.name, seq, total, total, *report.verdicts))

    def _rejects_path(self, name: str) -> Path:
        """One file of rejects for each file of the mapping, because their columns differ."""
        path = self.rejects_path
        return path if len(self.compiler.mapping.files) == 1 else path.with_name(f"{path.stem}.{name}{path.suffix}")
