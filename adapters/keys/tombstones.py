"""Who was erased, in a file apart from the key database: what a restore of older keys destroys again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from adapters.keys.vault import SealingVault
from domain.errors import RelatoError


class TombstonesError(RelatoError):
    """The file of tombstones cannot be used; it has the id of an erased person on each line."""


class TombstoneFile:
    """One id on each line; a missing file is an empty one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, person_ids: Sequence[UUID]) -> None:
        """On disk when it returns."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.writelines(f"{person_id}\n" for person_id in person_ids)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise TombstonesError(file=self.path, reason=error.strerror) from error

    def read(self) -> set[UUID]:
        try:
            return {UUID(line) for line in self.path.read_text().split()}
        except FileNotFoundError:
            return set()
        except (OSError, ValueError) as error:
            raise TombstonesError(file=self.path) from error


class RecordedErasures:
    """A vault whose erasures are kept in the file too; asked again, it does no harm."""

    def __init__(self, vault: SealingVault, file: TombstoneFile) -> None:
        self._vault, self._file = vault, file
        self.seal, self.seal_at_once, self.open = vault.seal, vault.seal_at_once, vault.open
        self.fingerprint, self.derive_id = vault.fingerprint, vault.derive_id

    def erase(self, person_ids: Sequence[UUID]) -> None:
        """The keys first: who is in the file and has keys would be found erased after a restore only."""
        self._vault.erase(person_ids)
        self._file.add(person_ids)
