"""What sealing needs of its stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.errors import RelatoError


class Owner(NamedTuple):
    """Whose key it is, and for which purpose."""

    person_id: UUID
    purpose: str


class StoredKey(NamedTuple):
    """A wrapped key; `wrapped` is None once it was destroyed."""

    key_id: UUID
    wrapped: bytes | None


class OtherMasterError(RelatoError):
    """The store takes only what another master key wrapped: it was rotated."""

    def __init__(self, named: bytes) -> None:
        super().__init__(named=named.hex())
        self.named = named


class KeyStore(Protocol):
    """Durable when it answers. Only a tombstone means erased. Every call may raise UnavailableError.

    `master` is the print of the key that wrapped what is offered; OtherMasterError when the store names another.
    """

    def find_owned(self, owners: Sequence[Owner]) -> Mapping[Owner, StoredKey]:
        """The keys that there are, destroyed ones too."""

    def create(self, offered: Mapping[Owner, StoredKey], master: bytes) -> Mapping[Owner, StoredKey]:
        """Inserts or ignores the keys offered, commits, reads back; an erased person's owners are left out."""

    def find(self, key_ids: Sequence[UUID]) -> Mapping[UUID, StoredKey]: ...

    def destroy(self, person_ids: Sequence[UUID]) -> None:
        """Puts up the tombstones and destroys the keys, in one transaction; again does no harm."""

    def erased(self, person_ids: Sequence[UUID]) -> set[UUID]:
        """Those of them who have a tombstone."""

    def last_erasure(self) -> int:
        """Grows with each erasure; 0 before the first."""

    def secret(self, name: str, offered: bytes, master: bytes) -> bytes:
        """The installation's wrapped secret of this name; the one offered when there was none."""

    def find_secret(self, name: str) -> bytes | None:
        """The installation's wrapped secret of this name; none is made."""

    def watch(self, on_erased: Callable[[], None]) -> None:
        """Calls back whenever keys may have been destroyed by anyone, until the store is closed."""


class WrappedKeys(Protocol):
    """Every wrapped key there is, as the owner of the key store may change them."""

    def name_master(self, name: bytes) -> None:
        """From its answer on nothing is stored but what the master key with this print wrapped."""

    def rewrap(self, rewrap: Callable[[bytes, bytes], bytes | None]) -> int:
        """Gives each wrapped key with its use, and stores the answer unless it is None; answers how many it stored.

        A few at a time, each lot in a transaction; a key that is destroyed meanwhile stays destroyed.
        """


class ContentStore(Protocol):
    """Long sealed content by the SHA-256 of its ciphertext."""

    def put(self, contents: Mapping[bytes, bytes]) -> None: ...

    def get(self, hashes: Sequence[bytes]) -> Mapping[bytes, bytes]: ...
