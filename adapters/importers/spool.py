"""Where uploads lie while they are imported, readable by us alone: personal data in clear, no longer than needed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from domain.errors import InvalidError, UnavailableError

FILE_NAME = re.compile(r"(?!\.)[\w .()+-]{1,200}")
LONGEST_NAME_BYTES = 255  # a file system takes no more
STATUS, SOURCE, REJECTS = "status.json", "source", "rejects.csv"


class SpoolError(UnavailableError):
    """What was sent cannot be kept on this machine's disk now; nothing was imported."""


class FileNameError(InvalidError):
    """Name the file shortly by letters, digits, dots, dashes and spaces, with its ending: it says how it is packed."""


@contextmanager
def written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolError(reason=error.strerror or str(error)) from error


class Spool:
    """A folder for each import: what came, as long as it runs; its rejects and its status, until they are swept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, import_id: UUID, name: str) -> IO[bytes]:
        """The file to write the upload to. Raises FileNameError, SpoolError."""
        if not FILE_NAME.fullmatch(name) or len(name.encode()) > LONGEST_NAME_BYTES:
            raise FileNameError
        with written():
            source = self._of(import_id) / SOURCE
            source.mkdir(parents=True, mode=0o700)
            for folder in (self._folder, self._of(import_id), source):
                folder.chmod(0o700)
            return os.fdopen(os.open(source / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def source_of(self, import_id: UUID, name: str) -> Path:
        return self._of(import_id) / SOURCE / name

    def rejects_of(self, import_id: UUID) -> Path:
        """Where they are written; those of a mapping with several files lie beside it, under their names."""
        return self._of(import_id) / REJECTS

    def list_rejects(self, import_id: UUID) -> list[Path]:
        return sorted(self._of(import_id).glob("rejects*.csv"))

    def save(self, import_id: UUID, status: Mapping[str, Any]) -> None:
        with written():
            file = self._of(import_id) / STATUS
            file.with_suffix(".new").write_text(json.dumps(status, default=str), "utf-8")
            file.with_suffix(".new").replace(file)

    def load(self, import_id: UUID) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self._of(import_id) / STATUS).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def drop_source(self, import_id: UUID) -> None:
        shutil.rmtree(self._of(import_id) / SOURCE, ignore_errors=True)

    def remove(self, import_id: UUID) -> None:
        shutil.rmtree(self._of(import_id), ignore_errors=True)

    def ids(self) -> list[UUID]:
        """In the order in which they came."""
        names = sorted(entry.name for entry in self._folder.glob("*-*-*-*-*") if entry.is_dir())
        return [UUID(name) for name in names]

    def keep_mapping(self, name: str, text: str) -> None:
        with written():
            folder = self._folder / "mappings"
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
            file = folder / f"{name}.toml"
            file.with_suffix(".new").write_text(text, "utf-8")
            file.with_suffix(".new").replace(file)

    def find_mapping(self, name: str) -> Path | None:
        file = self._folder / "mappings" / f"{name}.toml"
        return file if re.fullmatch(r"[0-9a-f]{32}", name) and file.exists() else None

    def _of(self, import_id: UUID) -> Path:
        return self._folder / str(import_id)
