"""Which of the files at a path is which file of the mapping."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from adapters.importers.archives import Source, choose, find_sources
from adapters.importers.errors import MemberMissingError
from adapters.importers.language import MappingFile
from adapters.importers.reading import origin_of


def choose_inputs(mapping: MappingFile, path: Path) -> dict[str, Source]:
    """Sources by the mapping's names, in its order; one file alone may be a file of rejects, or one of several."""
    sources = find_sources(path)
    if len(sources) == 1:
        return {_name_of(sources[0], mapping, path): sources[0]}
    return {name: choose(sources, file.path, path) for name, file in mapping.files.items()}


def _name_of(source: Source, mapping: MappingFile, path: Path) -> str:
    names = list(mapping.files)
    if (origin := origin_of(source)) is not None:
        names = [name for name in names if origin == f"{mapping.source}/{name}"]
    elif len(names) > 1:
        names = [name for name, file in mapping.files.items() if fnmatch(source.name, file.path)]
    if len(names) != 1:
        wanted = ", ".join(f"{name} ({file.path})" for name, file in mapping.files.items())
        raise MemberMissingError(path=path, wanted=wanted, there=origin or source.name)
    return names[0]
