"""A small company for tests: commands over a real ledger, folded into every service, read through the views."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from adapters.ids import uuid7
from adapters.postgres.ledger_source import LedgerSource
from domain.catalogue import REGISTRY
from domain.decider import Command
from domain.execute import Context, Executor, Outcome
from domain.personal import Sealed
from domain.ports import Ledger, Vault
from projections.catalogue import SERVICES, VIEWS, Shown
from projections.engine.readmodel import Service
from projections.engine.schema import connect
from projections.engine.worker import Pace, catch_up

BEGIN = datetime(2025, 3, 3, 9, tzinfo=UTC)
Row = dict[str, Any]


def numbered(prefix: int, number: int) -> UUID:
    """An id that a reader of a failure recognises, spread over partitions."""
    return UUID(int=prefix << 64 | number)


class Company(NamedTuple):
    """`app` may append, `owner` folds. Each command is a minute after the last one, unless it says when."""

    executor: Executor
    vault: Vault
    app: str
    owner: str
    minutes: itertools.count[int]

    @classmethod
    def over(cls, ledger: Ledger, vault: Vault, app: str, owner: str) -> Company:
        executor = Executor(ledger, vault, REGISTRY, clock=lambda: datetime.now(UTC))
        return cls(executor, vault, app, owner, itertools.count())

    def do(self, name: str, /, *, at: datetime | None = None, **fields: Any) -> Outcome:
        return self.give(REGISTRY.named(name).command.model_validate(fields), at)

    def give(self, command: Command, at: datetime | None = None) -> Outcome:
        at = at or BEGIN + timedelta(minutes=next(self.minutes))
        return self.executor.execute(command, Context(uuid7(), "tester", occurred_at=at, fresh=True))

    def fold(self, *services: Service, batch: int = 2000) -> None:
        for service in services or SERVICES:
            catch_up(
                service,
                connect=partial(connect, self.owner, service),
                open_log=partial(LedgerSource, self.app, listen=False),
                pace=Pace(batch=batch),
            )

    def show(self, view: str, /, **where: object) -> list[Row]:
        """The rows of a view of the catalogue, in the order of their keys."""
        equal = (sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in where.items())
        return self._select(VIEWS[view], *equal)

    def show_of(self, view: str, customer_id: UUID) -> list[Row]:
        """One customer's rows, with those of its aliases, as the catalogue says that they are asked for."""
        shown = VIEWS[view]
        assert shown.view.subject
        known = sql.SQL("{} in (select known_as({}))").format(sql.Identifier(shown.view.subject), customer_id)
        return self._select(shown, known)

    def show_all(self, *, without: Sequence[str] = ()) -> dict[str, list[Row]]:
        """Every view, without what depends on now."""
        return {name: [_timeless(row) for row in self.show(name)] for name in VIEWS if name not in without}

    def open(self, value: str) -> Any:
        (opened,) = self.vault.open([Sealed(value)])
        return opened

    def _select(self, shown: Shown, *conditions: sql.Composed) -> list[Row]:
        query = sql.SQL("select {} from {} where {} order by {}").format(
            sql.SQL(", ").join(map(sql.Identifier, shown.view.columns)),
            sql.Identifier(shown.service, shown.view.name),
            sql.SQL(" and ").join([sql.SQL("true"), *conditions]),
            sql.SQL(", ").join(map(sql.Identifier, shown.view.key)),
        )
        with connect(self.owner, shown.service) as db:
            return db.cursor(row_factory=dict_row).execute(query).fetchall()

    def parked(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner) as db:
            query = "select * from {}.projection_parked"
            names = (sql.Identifier(service.name) for service in SERVICES)
            return [row for name in names for row in db.execute(sql.SQL(query).format(name)).fetchall()]


def line(product_id: UUID, amount_minor: int, quantity: int = 1) -> dict[str, object]:
    return {"product_id": product_id, "quantity": quantity, "amount_minor": amount_minor}


def pick(rows: Iterable[Row], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def _timeless(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("recency_days", "age_s", "in_status_s")}
