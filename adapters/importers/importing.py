"""Runs an import: rows to items, items to the ledger in chunks, the place saved after each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from adapters.importers.archives import Source
from adapters.importers.compile import Compiler
from adapters.importers.errors import RejectsError
from adapters.importers.inputs import choose_inputs
from adapters.importers.items import Item
from adapters.importers.lane import Lane
from adapters.importers.mapping import check_commands, load_mapping
from adapters.importers.overlay import OverlayLedger
from adapters.importers.plan import Plan
from adapters.importers.progress import ImportProgress, Unsaved
from adapters.importers.reading import Reading, read
from adapters.importers.rejects import RejectsFile
from adapters.importers.report import FileReport, ImportReport
from adapters.importers.settle import Settler
from domain.execute import Executor
from domain.ports import Ledger, Vault

CHUNK = 1_500
TELL_EVERY = 2_000  # rows


@dataclass(frozen=True, slots=True)
class Progress:
    """Told while the import runs."""

    file: str
    rows: int
    bytes_read: int
    bytes_total: int


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
    vault: Vault,
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
        executor = Executor(ledger, vault, executor.registry, clock=lambda: datetime.now(UTC))
    compiler = Compiler(written, commands, vault.derive_id, actor)
    job = _Job(compiler, Settler(executor, ledger, vault), progress, rejects_path, again, chunk_size, on_progress, stop)
    report = ImportReport(source=written.source, dry_run=dry_run)
    job.import_all(choose_inputs(written, path), report)
    report.seconds = time.monotonic() - started
    return report


@dataclass(frozen=True)
class _Job:
    compiler: Compiler
    settler: Settler
    progress: ImportProgress
    rejects_path: Path
    again: bool
    chunk_size: int
    on_progress: Callable[[Progress], None]
    stop: Callable[[], bool]

    def import_all(self, inputs: Mapping[str, Source], report: ImportReport) -> None:
        self.compiler.load_tables(inputs)
        for name in filter(self.compiler.mapping.rules_of, inputs):
            if report.interrupted:
                return
            report.files.append(self._import_file(name, inputs[name]))
            report.interrupted = not report.files[-1].finished or self.stop()
        report.interrupted = not all(file.finished for file in report.files)

    def _import_file(self, name: str, source: Source) -> FileReport:
        path = self._rejects_path(name)
        if path.exists() and path.samefile(source.path):
            raise RejectsError("the rejects would overwrite what is imported; name another file", file=path)
        mapping, content = self.compiler.mapping, source.digest()
        kept_as = f"{mapping.source}/{name}"
        digest = hashlib.sha256(repr(mapping).encode() + content).digest()
        known = self.progress.find(kept_as, digest)
        if known.finished and not self.again:
            return FileReport(file=source.name, finished=True, nothing_to_do=True)
        start = 0 if self.again else known.row_number
        report = FileReport(file=source.name, rows=start, started_at_row=start)
        returning = self.compiler.find_returning(name, source)
        with (
            read(source, mapping.files[name].csv) as reading,
            closing(RejectsFile(path, kept_as, content, reading.columns)) as rejects,
        ):
            plan = self.compiler.compile_plan(name, source.name, reading.columns, returning)
            lane = Lane(self.settler, rejects, report, save=partial(self.progress.save, kept_as, digest))
            self._feed(plan, reading, source, lane)
            report.rejects = rejects.path if rejects.is_open else None
        return report

    def _feed(self, plan: Plan, reading: Reading, source: Source, lane: Lane) -> None:
        """Prepares a chunk while the one before it is settled."""
        start, total = lane.report.started_at_row, source.size
        items: list[Item] = []
        with lane:
            for row in reading.rows:
                items += plan.take(row, live=row.seq > start)
                lane.seq = row.seq
                if not row.seq % TELL_EVERY:
                    self.on_progress(Progress(source.name, row.seq, reading.opened.bytes_read, total))
                if len(items) >= self.chunk_size:
                    lane.submit(items)
                    items = []
                    if self.stop():
                        return
            items += plan.finish()
            for first in range(0, len(items), self.chunk_size):
                lane.submit(items[first : first + self.chunk_size])
            lane.finish()
        self.on_progress(Progress(source.name, lane.seq, total, total))

    def _rejects_path(self, name: str) -> Path:
        """One file of rejects for each file of the mapping, because their columns differ."""
        path = self.rejects_path
        return path if len(self.compiler.mapping.files) == 1 else path.with_name(f"{path.stem}.{name}{path.suffix}")
