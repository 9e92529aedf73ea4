"""A department of three toy read models over a ledger of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.ledger_source import LedgerSource
from projections.engine.readmodel import ReadModel, Service
from projections.engine.schema import connect
from projections.engine.table import fingerprint
from projections.engine.worker import Pace, catch_up, run
from tests.conftest import Databases
from tests.integration.engine.story import Story
from tests.integration.engine.toys.deals import deals
from tests.integration.engine.toys.people import people
from tests.integration.engine.toys.purchases import purchases

SHOP = Service("shop", (people, purchases, deals))
QUICK = Pace(batch=200, poll_s=0.05, term=timedelta(seconds=1), longest_pause_s=0.3)
Prints = Mapping[str, str]


@dataclass
class World:
    """The ledger, what is told in it, and the folds over it."""

    dsn: str
    story: Story
    db: psycopg.Connection[Any]
    service: Service = SHOP
    failures: list[BaseException] = field(default_factory=list)

    def connect(self) -> psycopg.Connection[Any]:
        return connect(self.dsn, self.service)

    @property
    def open_log(self) -> partial[LedgerSource]:
        return partial(LedgerSource, self.dsn)

    @property
    def access(self) -> dict[str, Any]:
        """As functions that can be pickled."""
        return {"connect": partial(connect, self.dsn, self.service.name), "open_log": self.open_log}

    def catch_up(self, service: Service | None = None, pace: Pace = QUICK) -> None:
        catch_up(service or self.service, **self.access, pace=pace, timeout_s=30)

    @contextmanager
    def workers(self, count: int = 1, pace: Pace = QUICK) -> Iterator[None]:
        """Live workers in threads; what ends one of them early is in `failures`."""
        stop = threading.Event()
        crew = [threading.Thread(target=self._run, args=(stop, pace)) for _ in range(count)]
        for thread in crew:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in crew:
                thread.join(20)
        assert not any(thread.is_alive() for thread in crew)

    def _run(self, stop: threading.Event, pace: Pace) -> None:
        try:
            run(self.service, **self.access, stop=stop, pace=pace)
        except BaseException as error:  # noqa: BLE001 the test looks at it
            self.failures.append(error)

    def ask(self, question: str, *params: object) -> list[tuple[Any, ...]]:
        return self.db.execute(question.encode(), params).fetchall()

    def prints(self, *tables: str) -> Prints:
        """The fingerprints of the live tables, or of these."""
        if not tables:
            live = [table for (table,) in self.ask("select table_name from projection_build where state = 'live'")]
            sums = [table.replace("deals_", "deals_sums_") for table in live if table.startswith("deals_")]
            tables = (*live, *sums)
        return {table: fingerprint(self.db, table) for table in tables}

    def forget_everything(self) -> None:
        """As if nothing had ever been folded."""
        self.db.execute(f"drop schema {self.service.name} cascade".encode())


@pytest.fixture
def world(databases: Databases, ledger: PostgresLedger) -> Iterator[World]:
    with connect(databases.owner, SHOP) as db:
        yield World(databases.owner, Story(ledger), db)


@pytest.fixture
def quietly(world: World) -> Iterator[World]:
    """The world, and a check at the end that no worker ended early."""
    yield world
    assert world.failures == []


def with_model(model: ReadModel[Any], *others: ReadModel[Any]) -> Service:
    kept: Sequence[ReadModel[Any]] = [m for m in SHOP.read_models if m.name != model.name]
    return Service("shop", (*kept, model, *others))
