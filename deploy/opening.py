"""What the folds of search open texts with, in whichever process they run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.personal import Erased, Sealed

if TYPE_CHECKING:
    from deploy.settings import Settings
    from deploy.wiring import Databases, Installation


class LateOpening:
    """Implements Opening with the installation it is told to use; pickled, it opens the same databases elsewhere."""

    def __init__(self) -> None:
        self._installation: Installation | None = None

    def use(self, installation: Installation) -> None:
        self._installation = installation

    def open(self, values: Sequence[Sealed]) -> Sequence[Any | Erased]:
        return self._used.vault.open(values)

    def fingerprint(self, content: bytes) -> bytes:
        return self._used.vault.fingerprint(content)

    def forgotten(self) -> Collection[UUID]:
        return self._used.tombstones.lately()

    @property
    def _used(self) -> Installation:
        assert self._installation is not None, "nothing was opened to open texts with"
        return self._installation

    def __reduce__(self) -> tuple[Callable[..., LateOpening], tuple[Settings, Databases]]:
        return _elsewhere, (self._used.settings, self._used.databases)


def _elsewhere(settings: Settings, databases: Databases) -> LateOpening:
    """In a process that ends when its share of a rebuild is done, and all it has opened with it."""
    from deploy.wiring import Installation  # noqa: PLC0415 loads PostgreSQL's client

    opening = LateOpening()
    opening.use(Installation(settings, databases=databases))
    return opening
