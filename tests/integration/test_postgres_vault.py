"""The vault over PostgreSQL keeps the contract; erasures reach other processes and race with no new key."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.keys.master import KEY_BYTES, MasterKey
from adapters.keys.vault import SealingVault
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from domain.personal import ERASED, Purpose, Secret
from tests.contracts.vault_contract import VaultContract
from tests.integration.conftest import Databases


class TestPostgresVault(VaultContract):
    @pytest.fixture
    def vaults(self, databases: Databases) -> Iterator[list[SealingVault]]:
        master = MasterKey(os.urandom(KEY_BYTES))
        stores = [(PostgresKeyStore(databases.keys_app), PostgresContentStore(databases.app)) for _ in range(2)]
        yield [SealingVault(*pair, master) for pair in stores]
        for pair in stores:
            for store in pair:
                store.close()

    @pytest.fixture
    def vault(self, vaults: list[SealingVault]) -> SealingVault:
        return vaults[0]

    @pytest.fixture
    def other(self, vaults: list[SealingVault]) -> SealingVault:
        return vaults[1]

    def test_an_erasure_wakes_the_caches_of_other_processes(self, vault: SealingVault, other: SealingVault) -> None:
        ana = uuid7()
        sealed = vault.seal([Secret(ana, Purpose.SERVICE, "a")])
        assert other.open(sealed) == ["a"]
        vault.erase([ana])
        deadline = time.monotonic() + 5
        while other.open(sealed) != [ERASED] and time.monotonic() < deadline:
            time.sleep(0.02)
        assert other.open(sealed) == [ERASED]

    def test_no_key_is_made_for_a_person_while_she_is_being_erased(
        self, vault: SealingVault, databases: Databases
    ) -> None:
        people = [uuid7() for _ in range(50)]
        go = threading.Barrier(2)

        def seal() -> None:
            go.wait()
            for person in people:
                vault.seal([Secret(person, Purpose.SERVICE, "a")])

        thread = threading.Thread(target=seal)
        thread.start()
        go.wait()
        for person in reversed(people):
            vault.erase([person])
        thread.join()
        with psycopg.connect(databases.keys_owner) as db:
            [(alive,)] = db.execute("select count(*) from keys.person_key where wrapped is not null").fetchall()
        assert alive == 0

    def test_an_erasure_cannot_be_undone_in_the_database(self, vault: SealingVault, databases: Databases) -> None:
        vault.erase([uuid7()])
        with psycopg.connect(databases.keys_owner) as db, pytest.raises(psycopg.errors.RestrictViolation):
            db.execute("delete from keys.tombstone")
