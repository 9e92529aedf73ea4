"""The quarantine in PostgreSQL keeps the contract, and is bounded for each partner; territories are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from adapters.ids import uuid7
from adapters.postgres.feeds import PostgresFeeds
from adapters.postgres.inbound_desk import PostgresReaderDesk
from adapters.postgres.inbound_told import PostgresTold
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.quarantine import PostgresQuarantine
from domain.personal import ERASED
from streams.inbound.errors import QuarantineFullError
from streams.inbound.holding import seal_event
from streams.inbound.quarantine import State
from streams.inbound.reader import Place
from streams.inbound.sweeping import Sweeper
from tests.backend import Backend, new_master
from tests.contracts.quarantine_contract import AT, QuarantineContract, refused
from tests.integration.conftest import Databases
from tests.relaying import await_true


class TestPostgresQuarantine(QuarantineContract):
    @pytest.fixture
    def quarantine(self, databases: Databases) -> Iterator[PostgresQuarantine]:
        with closing(PostgresQuarantine(databases.app)) as quarantine:
            yield quarantine


def test_so_many_of_a_partner_are_held_and_room_comes_back(databases: Databases) -> None:
    with closing(PostgresQuarantine(databases.app, most_held=2)) as quarantine:
        first, second, third = (refused() for _ in range(3))
        for one in (first, second):
            quarantine.hold(one)
        with pytest.raises(QuarantineFullError):
            quarantine.hold(third)
        quarantine.hold(first)  # it has its place
        quarantine.hold(refused(partner_id=uuid7()))
        quarantine.settle(second.id, State.DISCARDED, "carla")
        quarantine.hold(third)


def test_every_territorys_facts_are_told(databases: Databases, ledger: PostgresLedger) -> None:
    with Backend.open(databases.app, databases.keys_app, new_master()) as backend:
        backend.customer(country="PT")
        backend.do("territory.form", territory_id=uuid7(), name="Iberia", countries=["PT"])
    with closing(PostgresFeeds(databases.app)) as feeds, closing(PostgresTold(databases.app, ledger, feeds)) as told:
        assert [event.type for event in told.territories()] == ["crm.territory.formed.v1"]


def test_one_reader_leads_and_finds_where_the_last_one_was(databases: Databases) -> None:
    with closing(PostgresReaderDesk(databases.app)) as desk, closing(PostgresReaderDesk(databases.app)) as other:
        assert desk.lead()
        assert not other.lead()
        desk.save({"a": Place("x", 7), "b": Place("y", 1)})
        desk.save({"a": Place("x", 8)})
        desk.close()
        await_true(other.lead)  # PostgreSQL lets go of the lock once it has seen the session end
        assert other.places() == {"a": Place("x", 8), "b": Place("y", 1)}


def test_what_is_swept_cannot_be_opened_any_more(databases: Databases) -> None:
    with (
        Backend.open(databases.app, databases.keys_app, new_master()) as backend,
        closing(PostgresQuarantine(databases.app)) as quarantine,
    ):
        owner = uuid7()
        event = seal_event(backend.vault, owner, {"data": {"name": "Ana"}})
        old = refused(owner=owner, name=event, event=event)
        quarantine.hold(old)
        sweeper = Sweeper(quarantine, backend.vault, kept=timedelta(days=30), clock=lambda: AT + timedelta(days=31))
        assert sweeper.run_once() == 1
        assert quarantine.find(old.id) is None
        assert backend.vault.open([event]) == [ERASED]
        assert sweeper.run_once() == 0
