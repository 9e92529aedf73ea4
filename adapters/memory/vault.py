"""Keys and content in memory, and the vault over them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from adapters.keys.master import KEY_BYTES, MasterKey
from adapters.keys.ports import OtherMasterError, Owner, StoredKey
from adapters.keys.vault import SealingVault, secret_use


class MemoryKeyStore:
    """The keys, for who uses them and for who owns them."""

    def __init__(self) -> None:
        self._master: bytes | None = None
        self._keys: dict[Owner, StoredKey] = {}
        self._tombstones: set[UUID] = set()
        self._secrets: dict[str, bytes] = {}
        self._watchers: list[Callable[[], None]] = []

    def find_owned(self, owners: Sequence[Owner]) -> Mapping[Owner, StoredKey]:
        return {owner: self._keys[owner] for owner in owners if owner in self._keys}

    def create(self, offered: Mapping[Owner, StoredKey], master: bytes) -> Mapping[Owner, StoredKey]:
        self._require(master)
        alive = {owner: key for owner, key in offered.items() if owner.person_id not in self._tombstones}
        return {owner: self._keys.setdefault(owner, key) for owner, key in alive.items()}

    def find(self, key_ids: Sequence[UUID]) -> Mapping[UUID, StoredKey]:
        return {key.key_id: key for key in self._keys.values() if key.key_id in set(key_ids)}

    def destroy(self, person_ids: Sequence[UUID]) -> None:
        self._tombstones.update(person_ids)
        for owner, key in self._keys.items():
            if owner.person_id in self._tombstones:
                self._keys[owner] = StoredKey(key.key_id, None)
        for watcher in self._watchers:
            watcher()

    def erased(self, person_ids: Sequence[UUID]) -> set[UUID]:
        return self._tombstones & set(person_ids)

    def last_erasure(self) -> int:
        return len(self._tombstones)

    def secret(self, name: str, offered: bytes, master: bytes) -> bytes:
        if name not in self._secrets:
            self._require(master)
        return self._secrets.setdefault(name, offered)

    def find_secret(self, name: str) -> bytes | None:
        return self._secrets.get(name)

    def watch(self, on_erased: Callable[[], None]) -> None:
        self._watchers.append(on_erased)

    def name_master(self, name: bytes) -> None:
        self._master = name

    def rewrap(self, rewrap: Callable[[bytes, bytes], bytes | None]) -> int:
        keys = [(owner, key, rewrap(key.wrapped, key.key_id.bytes)) for owner, key in self._keys.items() if key.wrapped]
        secrets = [(name, rewrap(wrapped, secret_use(name))) for name, wrapped in self._secrets.items()]
        self._keys |= {owner: StoredKey(key.key_id, wrapped) for owner, key, wrapped in keys if wrapped}
        self._secrets |= {name: wrapped for name, wrapped in secrets if wrapped}
        return sum(1 for *_, wrapped in [*keys, *secrets] if wrapped)

    def _require(self, master: bytes) -> None:
        if self._master not in (None, master):
            raise OtherMasterError(self._master or b"")


class MemoryContentStore:
    def __init__(self) -> None:
        self._contents: dict[bytes, bytes] = {}

    def put(self, contents: Mapping[bytes, bytes]) -> None:
        self._contents.update(contents)

    def get(self, hashes: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {digest: self._contents[digest] for digest in hashes if digest in self._contents}


def memory_vault() -> SealingVault:
    return SealingVault(MemoryKeyStore(), MemoryContentStore(), MasterKey(os.urandom(KEY_BYTES)))
