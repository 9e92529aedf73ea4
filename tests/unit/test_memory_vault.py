"""The vault over stores in memory keeps the contract; another installation's derived ids differ."""

import os

import pytest

from adapters.keys.master import KEY_BYTES, MasterKey, MasterKeyError
from adapters.keys.vault import SealingVault
from adapters.memory.vault import MemoryContentStore, MemoryKeyStore, memory_vault
from tests.contracts.vault_contract import VaultContract


class TestMemoryVault(VaultContract):
    @pytest.fixture
    def parts(self) -> tuple[MemoryKeyStore, MemoryContentStore, MasterKey]:
        return MemoryKeyStore(), MemoryContentStore(), MasterKey(os.urandom(KEY_BYTES))

    @pytest.fixture
    def vault(self, parts: tuple[MemoryKeyStore, MemoryContentStore, MasterKey]) -> SealingVault:
        return SealingVault(*parts)

    @pytest.fixture
    def other(self, parts: tuple[MemoryKeyStore, MemoryContentStore, MasterKey]) -> SealingVault:
        return SealingVault(*parts)


def test_another_installation_derives_other_ids() -> None:
    assert memory_vault().derive_id("crm", "17850") != memory_vault().derive_id("crm", "17850")


def test_a_wrong_master_key_is_recognised() -> None:
    keys, contents = MemoryKeyStore(), MemoryContentStore()
    SealingVault(keys, contents, MasterKey(os.urandom(KEY_BYTES)))
    with pytest.raises(MasterKeyError):
        SealingVault(keys, contents, MasterKey(os.urandom(KEY_BYTES)))
