"""A key that is destroyed while another thread fetches it is not kept in anybody's memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.keys.master import KEY_BYTES, MasterKey
from adapters.keys.ports import Owner, StoredKey
from adapters.keys.vault import SealingVault
from adapters.memory.vault import MemoryContentStore, MemoryKeyStore
from domain.errors import ErasedError, KeyMissingError
from domain.personal import ERASED, Purpose, Secret


class SlowKeyStore(MemoryKeyStore):
    """Lets a test act between the store's answer and its use, once."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None

    def find_or_create(self, wanted: Mapping[Owner, StoredKey]) -> Mapping[Owner, StoredKey]:
        found = super().find_or_create(wanted)
        self._pause()
        return found

    def find(self, key_ids: Sequence[UUID]) -> Mapping[UUID, StoredKey]:
        found = super().find(key_ids)
        self._pause()
        return found

    def _pause(self) -> None:
        action, self.meanwhile = self.meanwhile, None
        if action:
            action()


@pytest.fixture
def keys() -> SlowKeyStore:
    return SlowKeyStore()


@pytest.fixture
def vault(keys: SlowKeyStore) -> SealingVault:
    return SealingVault(keys, MemoryContentStore(), MasterKey(os.urandom(KEY_BYTES)))


def test_a_key_fetched_for_opening_while_it_is_destroyed_opens_nothing_afterwards(
    keys: SlowKeyStore, vault: SealingVault
) -> None:
    ana = uuid7()
    sealed = vault.seal([Secret(ana, Purpose.SERVICE, "a")])
    assert not isinstance(sealed[0], Exception)
    keys.meanwhile = lambda: vault.erase([ana])
    vault.open([sealed[0]])  # under way when she was erased
    assert vault.open([sealed[0]]) == [ERASED]


def test_a_key_fetched_for_sealing_while_it_is_destroyed_seals_nothing_afterwards(
    keys: SlowKeyStore, vault: SealingVault
) -> None:
    ana = uuid7()
    keys.meanwhile = lambda: vault.erase([ana])
    [under_way] = vault.seal([Secret(ana, Purpose.SERVICE, "a")])
    assert not isinstance(under_way, Exception)
    assert vault.open([under_way]) == [ERASED]
    assert isinstance(vault.seal([Secret(ana, Purpose.SERVICE, "a")])[0], ErasedError)


def test_sealed_content_that_is_missing_is_no_erasure(keys: SlowKeyStore) -> None:
    master = MasterKey(os.urandom(KEY_BYTES))
    [token] = SealingVault(keys, MemoryContentStore(), master).seal([Secret(uuid7(), Purpose.SERVICE, "x" * 100_000)])
    assert not isinstance(token, Exception)
    with pytest.raises(KeyMissingError, match="content"):
        SealingVault(keys, MemoryContentStore(), master).open([token])
