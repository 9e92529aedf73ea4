"""What sealing needs of its stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID


class Owner(NamedTuple):
    """Whose key it is, and for which purpose."""

    person_id: UUID
    purpose: str


class StoredKey(NamedTuple):
    """A wrapped key; `wrapped` is None once it was destroyed."""

    key_id: UUID
    wrapped: bytes | None


class KeyStore(Protocol):
    """Durable when it answers. Only a tombstone means erased. Every call may raise UnavailableError."""

    def find_owned(self, owners: Sequence[Owner]) -> Mapping[Owner, StoredKey]:
        """The keys that there are, destroyed ones too."""

    def create(self, offered: Mapping[Owner, StoredKey]) -> Mapping[Owner, StoredKey]:
        """Inserts or ignores the keys offered, commits, reads back; an erased person's owners are left out."""

    def find(self, key_ids: Sequence[UUID]) -> Mapping[UUID, StoredKey]: ...

    def destroy(self, person_ids: Sequence[UUID]) -> None:
        """Puts up the tombstones and destroys the keys, in one transaction; again does no harm."""

    def erased(self, person_ids: Sequence[UUID]) -> set[UUID]:
        """Those of them who have a tombstone."""

    def last_erasure(self) -> int:
        """Grows with each erasure; 0 before the first."""

    def secret(self, name: str, offered: bytes) -> bytes:
        """The installation's wrapped secret of this name; the one offered when there was none."""

    def watch(self, on_erased: Callable[[], None]) -> None:
        """Calls back whenever keys may have been destroyed by anyone, until the store is closed."""


class ContentStore(Protocol):
    """Long sealed content by the SHA-256 of its ciphertext."""

    def put(self, contents: Mapping[bytes, bytes]) -> None: ...

    def get(self, hashes: Sequence[bytes]) -> Mapping[bytes, bytes]: ...
