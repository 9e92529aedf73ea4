"""A ledger, its keys and an executor over a pair of databases, as a process of the application has them."""

from __future__ import annotations

import base64
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import psycopg

from adapters.filters.cel import CelFilters, row_filter_checks
from adapters.ids import uuid7
from adapters.keys.master import KEY_BYTES, MasterKey
from adapters.keys.vault import SealingVault
from adapters.postgres.key_store import PostgresContentStore, PostgresKeyStore
from adapters.postgres.ledger import PostgresLedger
from domain.catalogue import REGISTRY
from domain.decider import Command
from domain.execute import Context, Executor, Outcome


def new_master() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def order(name: str, /, **fields: Any) -> Command:
    command: Command = REGISTRY.named(name).command.model_validate(fields)
    return command


@dataclass
class Backend:
    """Use as a context."""

    ledger: PostgresLedger
    keys: PostgresKeyStore
    contents: PostgresContentStore
    vault: SealingVault
    executor: Executor

    @classmethod
    def open(cls, app: str, keys_app: str, master: str) -> Self:
        keys, contents = PostgresKeyStore(keys_app), PostgresContentStore(app)
        vault = SealingVault(keys, contents, MasterKey.from_text(master))
        ledger = PostgresLedger(app)
        checks = row_filter_checks(CelFilters())
        executor = Executor(ledger, vault, REGISTRY, clock=lambda: datetime.now(UTC), checks=checks)
        return cls(ledger, keys, contents, vault, executor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for part in (self.ledger, self.keys, self.contents):
            part.close()

    def do(self, name: str, /, context: Any = None, **fields: Any) -> Outcome:
        return self.executor.execute(order(name, **fields), context or Context(uuid7(), "tester", fresh=True))

    def customer(self, **fields: Any) -> UUID:
        customer_id = uuid7()
        self.do("customer.register", customer_id=customer_id, **fields)
        return customer_id


BLOCKED = (
    "select pid from pg_locks where locktype = 'advisory' and not granted "
    "and database = (select oid from pg_database where datname = current_database())"
)


def await_blocked(dsn: str) -> int:
    """The process id of the session that waits for the ledger's lock, once there is one."""
    deadline = time.monotonic() + 30
    with psycopg.connect(dsn, autocommit=True) as db:
        while time.monotonic() < deadline:
            if found := db.execute(BLOCKED).fetchone():
                return int(found[0])
            time.sleep(0.005)
    raise AssertionError("nobody waits for the ledger's lock")
