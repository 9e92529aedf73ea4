"""The service of search over a vault and its tombstones, as the folds of an installation have it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from adapters.postgres.tombstones import PostgresTombstones
from domain.personal import Sealed
from domain.ports import Vault
from projections.engine.readmodel import Service
from projections.search.service import search_with
from tests.conftest import Databases


class VaultOpening(NamedTuple):
    """Implements Opening."""

    vault: Vault
    tombstones: PostgresTombstones | None = None

    def open(self, values: Sequence[Sealed]) -> Sequence[Any]:
        return self.vault.open(values)

    def fingerprint(self, content: bytes) -> bytes:
        return self.vault.fingerprint(content)

    def forgotten(self) -> Collection[UUID]:
        return self.tombstones.lately() if self.tombstones else ()


@contextmanager
def search_over(vault: Vault, databases: Databases) -> Iterator[Service]:
    with closing(PostgresTombstones(databases.keys_app)) as tombstones:
        yield search_with(VaultOpening(vault, tombstones))
