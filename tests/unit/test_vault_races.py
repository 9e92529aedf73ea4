"""A key that is destroyed while another thread fetches it is not kept in anybody's memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.keys.master import KEY_BYTES, MasterKey
from adapters.keys.ports import Owner, StoredKey
from adapters.keys.vault import TERM_S, SealingVault
from adapters.memory.vault import MemoryContentStore, MemoryKeyStore
from domain.errors import ErasedError, KeyMissingError
from domain.personal import ERASED, Purpose, Secret


class SlowKeyStore(MemoryKeyStore):
    """Lets a test act between the store's answer and its use, once."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None
        self.deaf = False

    def watch(self, on_erased: Callable[[], None]) -> None:
        super().watch(lambda: None if self.deaf else on_erased())

    def create(self, offered: Mapping[Owner, StoredKey], master: bytes) -> Mapping[Owner, StoredKey]:
        created = super().create(offered, master)
        self._pause()
        return created

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


def test_an_erasure_that_nobody_told_of_is_noticed_within_a_term(
    keys: SlowKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    master = MasterKey(os.urandom(KEY_BYTES))
    vault = SealingVault(keys, MemoryContentStore(), master)
    ana, ben = uuid7(), uuid7()
    sealed = vault.seal([Secret(person, Purpose.SERVICE, "a") for person in (ana, ben)])
    keys.deaf = True
    keys.destroy([ana])
    now += TERM_S + 0.1
    assert isinstance(vault.seal([Secret(ana, Purpose.SERVICE, "a")])[0], ErasedError)
    assert vault.open([value for value in sealed if not isinstance(value, Exception)]) == [ERASED, "a"]
