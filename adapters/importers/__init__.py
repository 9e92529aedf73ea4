"""Imports what a company already has: files, by mappings, into commands."""

from adapters.importers.display import interruptible, shown
from adapters.importers.errors import ImportStoppedError
from adapters.importers.importing import Progress, run
from adapters.importers.mapping import KnownFormat, known_formats, load_mapping
from adapters.importers.progress import ImportProgress, MemoryImportProgress, Position
from adapters.importers.report import FileReport, ImportReport, RuleReport

__all__ = [
    "FileReport",
    "ImportProgress",
    "ImportReport",
    "ImportStoppedError",
    "KnownFormat",
    "MemoryImportProgress",
    "Position",
    "Progress",
    "RuleReport",
    "interruptible",
    "known_formats",
    "load_mapping",
    "run",
    "shown",
]
