"""The master key's rotation is killed at every step, under a vault that seals and opens on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.keys.master import MasterKey, WrappingKey, create_master_key, read_keys
from adapters.keys.vault import SealingVault
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from domain.personal import ERASED, Purpose, Sealed, Secret
from tests.conftest import Databases
from tests.rotating import LOT, Plan

MOMENTS = ["before the name", "after the name", "amid the keys", "after the keys", "after the old one is kept"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    create_master_key(tmp_path / "master.key")
    return tmp_path / "master.key"


@pytest.fixture
def stores(own: Databases) -> Iterator[tuple[PostgresKeyStore, PostgresContentStore]]:
    pair = PostgresKeyStore(own.keys_app), PostgresContentStore(own.app)
    yield pair
    for store in pair:
        store.close()


class Sealer(threading.Thread):
    """Goes on sealing for persons whom nobody knows yet, in batches, until it is stopped."""

    def __init__(self, vault: SealingVault) -> None:
        super().__init__()
        self.vault, self.stopping, self.sealed = vault, threading.Event(), list[Sealed]()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopping.wait(0.005):
                secrets = [Secret(uuid7(), Purpose.SERVICE, "a") for _ in range(3)]
                self.sealed += [token for token in self.vault.seal(secrets) if isinstance(token, Sealed)]
                self.vault.forget()
                assert self.vault.open(self.sealed[-9:]) == ["a"] * len(self.sealed[-9:])
        except BaseException as error:  # noqa: BLE001 the test raises it
            self.failure = error

    def end(self) -> list[Sealed]:
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure
        return self.sealed


def seal(vault: SealingVault, count: int) -> dict[UUID, Sealed]:
    people = [uuid7() for _ in range(count)]
    tokens = vault.seal([Secret(person, Purpose.SERVICE, "a") for person in people])
    return {person: token for person, token in zip(people, tokens, strict=True) if isinstance(token, Sealed)}


def run(plan: Plan, folder: Path, expected: int) -> None:
    process = plan.start(folder)
    try:
        assert process.wait(60) == expected
    finally:
        process.kill()
        process.wait()


def test_killed_at_every_step_it_loses_no_key_and_ends_with_the_new_one_alone(
    own: Databases, stores: tuple[PostgresKeyStore, PostgresContentStore], file: Path, tmp_path: Path
) -> None:
    running = SealingVault(*stores, MasterKey.from_file(file))
    known, (erased, *_) = seal(running, 5 * LOT), seal(running, 1).items()
    running.erase([erased[0]])
    [old] = read_keys(file)
    sealer = Sealer(running)
    sealer.start()
    try:
        for moment in MOMENTS:
            run(Plan(own.keys_owner, str(file), moment), tmp_path, -signal.SIGKILL)
            new, before = read_keys(file)
            assert before == old
            assert SealingVault(*stores, MasterKey.from_file(file)).open(list(known.values())) == ["a"] * len(known)
        run(Plan(own.keys_owner, str(file), "never"), tmp_path, 0)
    finally:
        later = sealer.end()
    assert read_keys(file) == [new]
    assert read_keys(file.with_name(f"master.key.{WrappingKey(old).print.hex()}")) == [old]
    fresh = SealingVault(*stores, MasterKey.from_file(file))
    assert fresh.open([*known.values(), *later]) == ["a"] * (len(known) + len(later))
    assert fresh.open([erased[1]]) == [ERASED]
    with psycopg.connect(own.keys_owner) as db:
        wrapped = db.execute("select wrapped, key_id from keys.person_key where wrapped is not null").fetchall()
    assert all(WrappingKey(new).unwrap(key, key_id.bytes) for key, key_id in wrapped)


def test_the_application_may_wrap_no_key_anew_and_nobody_one_that_is_destroyed(
    own: Databases, stores: tuple[PostgresKeyStore, PostgresContentStore], file: Path
) -> None:
    vault = SealingVault(*stores, MasterKey.from_file(file))
    living, destroyed = seal(vault, 2)
    vault.erase([destroyed])
    change = "update keys.person_key set wrapped = 'x', destroyed_at = null where person_id = %s"
    for dsn, person in [(own.keys_app, living), (own.keys_app, destroyed), (own.keys_owner, destroyed)]:
        with psycopg.connect(dsn) as db:
            db.execute("set relato.rewraps = 'on'")
            with pytest.raises(psycopg.errors.RestrictViolation):
                db.execute(change, [person])
