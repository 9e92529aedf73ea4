"""The peer's projection, as its documentation writes one: the row and the tracking position in one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection
from psycopg.sql import SQL, Identifier

AMOUNT_MINOR = 129_900


class Deal(Aggregate):
    """Opened, moved on, won."""

    class Opened(Aggregate.Created):
        """With the first stage."""

        stage: str
        amount_minor: int

    class Moved(Aggregate.Event):
        """To another stage."""

        stage: str
        amount_minor: int

    @event(Opened)
    def __init__(self, stage: str, amount_minor: int) -> None:
        self.stage, self.amount_minor = stage, amount_minor

    @event(Moved)
    def move(self, stage: str, amount_minor: int) -> None:
        self.stage, self.amount_minor = stage, amount_minor


class Board(Application[UUID]):
    """Where the deals are."""

    def run_deal(self, stages: tuple[str, ...]) -> None:
        deal = Deal(stages[0], AMOUNT_MINOR)
        for stage in stages[1:]:
            deal.move(stage, AMOUNT_MINOR)
        self.save(deal)


class DealRows(PostgresTrackingRecorder):
    """The same table as ours."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.check_identifier_length("deals")
        table = Identifier(self.datastore.schema, "deals")
        self.sql_create_statements.append(
            SQL("create table if not exists {} (deal_id uuid not null primary key, stage text not null,"
                " amount_minor bigint not null, moves integer not null)").format(table)
        )  # fmt: skip
        self._insert = SQL("insert into {} values (%s, %s, %s, 0)").format(table)
        self._move = SQL(
            "update {} set stage = %s, amount_minor = %s, moves = moves + 1 where deal_id = %s"
        ).format(table)  # fmt: skip

    def open_deal(self, deal_id: UUID, stage: str, amount_minor: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as curs:
            self._insert_tracking(curs, tracking)
            curs.execute(self._insert, (deal_id, stage, amount_minor), prepare=True)

    def move_deal(self, deal_id: UUID, stage: str, amount_minor: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as curs:
            self._insert_tracking(curs, tracking)
            curs.execute(self._move, (stage, amount_minor, deal_id), prepare=True)


class DealProjection(Projection[DealRows]):
    """Each event with its tracking position."""

    name = "deals"

    @singledispatchmethod
    def process_event(self, _: Any, tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, opened: Deal.Opened, tracking: Tracking) -> None:
        self.view.open_deal(opened.originator_id, opened.stage, opened.amount_minor, tracking)

    @process_event.register
    def _(self, moved: Deal.Moved, tracking: Tracking) -> None:
        self.view.move_deal(moved.originator_id, moved.stage, moved.amount_minor, tracking)
