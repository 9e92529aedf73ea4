"""How much a packed file unpacks to, found out before it is imported: a small one can hide a flood."""

from __future__ import annotations

from pathlib import Path

from adapters.importers.archives import BLOCK, find_sources
from adapters.importers.errors import ImportStoppedError


class ExpandedError(ImportStoppedError):
    """The file unpacks to more than this installation takes; nothing of it was imported. Import it in parts."""


def check_expanded(path: Path, most_bytes: int) -> None:
    """Reads all of it, a block at a time, and no further than the limit. Raises ExpandedError, BrokenArchiveError."""
    left = most_bytes
    for source in find_sources(path):
        with source.open() as opened:
            while block := opened.stream.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise ExpandedError(most_bytes=most_bytes)
