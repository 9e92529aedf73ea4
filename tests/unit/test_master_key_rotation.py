"""The master key is changed under a vault that is at work, and whatever stops it is made good by the next try."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.keys.master import KEY_BYTES, MasterKey, MasterKeyError, create_master_key, read_keys
from adapters.keys.rotation import prepare, rotate, rotate_given
from adapters.keys.vault import SealingVault
from adapters.memory.vault import MemoryContentStore, MemoryKeyStore
from domain.personal import ERASED, Purpose, Sealed, Secret
from tests.backend import new_master


class Broken(MemoryKeyStore):
    """Fails at one step, once."""

    step = ""

    def name_master(self, name: bytes) -> None:
        self._fail("before the name")
        super().name_master(name)
        self._fail("after the name")

    def rewrap(self, rewrap: Callable[[bytes, bytes], bytes | None]) -> int:
        count = super().rewrap(rewrap)
        self._fail("after the keys")
        return count

    def _fail(self, step: str) -> None:
        if self.step == step:
            self.step = ""
            raise ConnectionError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    create_master_key(tmp_path / "master.key")
    return tmp_path / "master.key"


@pytest.fixture
def keys() -> Broken:
    return Broken()


def vault_of(keys: Broken, file: Path) -> SealingVault:
    return SealingVault(keys, MemoryContentStore(), MasterKey.from_file(file))


def seal(vault: SealingVault, value: str, person: UUID | None = None) -> Sealed:
    [token] = vault.seal([Secret(person or uuid7(), Purpose.SERVICE, value)])
    assert isinstance(token, Sealed)
    return token


class TestRotation:
    def test_who_runs_meanwhile_seals_and_opens_on_by_the_new_key(self, file: Path, keys: Broken) -> None:
        running = vault_of(keys, file)
        before = seal(running, "before")
        done = rotate(file, keys)
        assert done.rewrapped == 2  # the person's and the installation's
        running.forget()
        after = seal(running, "after")
        assert running.open([before, after]) == ["before", "after"]
        assert running.secret("signer", lambda: bytes(KEY_BYTES)) == bytes(KEY_BYTES)
        assert vault_of(keys, file).open([before, after]) == ["before", "after"]

    def test_the_old_key_leaves_the_file_and_is_kept_beside_it(self, file: Path, keys: Broken) -> None:
        vault_of(keys, file)
        [old] = read_keys(file)
        [kept] = rotate(file, keys).retired
        assert read_keys(kept) == [old]
        assert read_keys(file) != [old]
        file.write_bytes(kept.read_bytes())
        with pytest.raises(MasterKeyError, match="did not wrap"):
            vault_of(keys, file)

    @pytest.mark.parametrize("step", ["before the name", "after the name", "after the keys"])
    def test_broken_off_it_goes_on_with_the_same_new_key(self, file: Path, keys: Broken, step: str) -> None:
        running = vault_of(keys, file)
        token, keys.step = seal(running, "a"), step
        with pytest.raises(ConnectionError):
            rotate(file, keys)
        new, old = read_keys(file)
        running.forget()
        later = seal(running, "b")
        assert vault_of(keys, file).open([token, later]) == ["a", "b"]
        rotate(file, keys)
        assert read_keys(file) == [new] != [old]
        assert vault_of(keys, file).open([token, later]) == ["a", "b"]

    def test_a_key_that_is_prepared_is_the_one_that_comes(self, file: Path, keys: Broken) -> None:
        running = vault_of(keys, file)
        for _ in range(2):
            prepare(file)
        new, _ = read_keys(file)
        token = seal(running, "a")
        rotate(file, keys)
        assert read_keys(file) == [new]
        assert vault_of(keys, file).open([token]) == ["a"]

    def test_keys_of_an_older_backup_come_under_the_new_key_when_the_old_one_is_put_back(
        self, file: Path, keys: Broken
    ) -> None:
        token, older = seal(vault_of(keys, file), "a"), file.read_bytes()
        restored = Broken()
        restored.__dict__ |= {name: dict(found) for name, found in vars(keys).items() if isinstance(found, dict)}
        rotate(file, keys)
        file.write_bytes(file.read_bytes() + older)
        assert vault_of(restored, file).open([token]) == ["a"]
        assert rotate(file, restored).rewrapped == 2
        assert vault_of(restored, file).open([token]) == ["a"]

    def test_a_destroyed_key_stays_destroyed(self, file: Path, keys: Broken) -> None:
        running, ana = vault_of(keys, file), uuid7()
        token = seal(running, "Ana", ana)
        running.erase([ana])
        assert rotate(file, keys).rewrapped == 1
        assert vault_of(keys, file).open([token]) == [ERASED]


class TestKeysThatTheEnvironmentHolds:
    def test_the_first_wraps_all_that_the_second_did(self, keys: Broken) -> None:
        old, new = new_master(), new_master()
        token = seal(SealingVault(keys, MemoryContentStore(), MasterKey.from_text(old)), "a")
        assert rotate_given(f"{new} {old}", keys).rewrapped == 2
        assert SealingVault(keys, MemoryContentStore(), MasterKey.from_text(new)).open([token]) == ["a"]

    def test_with_one_alone_it_says_what_to_do(self, keys: Broken) -> None:
        with pytest.raises(MasterKeyError, match="put a new key before"):
            rotate_given(new_master(), keys)

    def test_who_has_the_old_one_alone_is_told(self, keys: Broken) -> None:
        old = MasterKey.from_text(new_master())
        vault = SealingVault(keys, MemoryContentStore(), old)
        keys.name_master(MasterKey(os.urandom(KEY_BYTES)).wrapping.print)
        with pytest.raises(MasterKeyError, match="was rotated"):
            seal(vault, "a")
