"""Feeds that have ended are closed on PostgreSQL, once, wherever the process is killed in between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from adapters.postgres.feeds import PostgresFeeds
from domain.event import Origin
from streams.feeds.acknowledging import Acknowledging
from tests.backend import Backend, new_master
from tests.closing import MOMENTS, PATIENCE, WrittenDoor, closer_of
from tests.conftest import Databases
from tests.feeding import agree, deliveries_of, enter_all, partner, place, product

ROOT = Path(__file__).parents[2]


class Leaver(NamedTuple):
    """A partner that was removed after it was told something; two keys of two accesses are its own."""

    partner_id: UUID
    feed: UUID
    accesses: Sequence[UUID]


class Company(NamedTuple):
    backend: Backend
    databases: Databases
    master: str

    def leaver(self) -> Leaver:
        partner_id = partner(self.backend)
        feed = agree(self.backend, partner_id)
        accesses = [uuid7(), uuid7()]
        for access_id in accesses:
            self.backend.do("access.admit", access_id=access_id, acts_as=partner_id)
            self.backend.do("access.issue_key", access_id=access_id, hash=access_id.hex * 2)
        place(self.backend, self.backend.customer(), product(self.backend))
        self.backend.do("partner.remove", partner_id=partner_id)
        enter_all(self.databases.app)
        return Leaver(partner_id, feed, accesses)

    def acknowledge(self, leaver: Leaver, through: int = 2) -> int:
        with closing(PostgresFeeds(self.databases.app)) as feeds:
            deliveries = deliveries_of(self.backend, feeds)
            acknowledging = Acknowledging(deliveries, self.backend.executor, self.backend.vault.derive_id)
            return acknowledging.acknowledge(leaver.feed, through, str(leaver.partner_id), Origin.PARTNER)

    def counted(self, type_: str) -> int:
        with psycopg.connect(self.databases.owner) as db:
            (count,) = db.execute("select count(*) from ledger.fact where type = %s", [type_]).fetchone() or (0,)
        return int(count)


@pytest.fixture
def company(databases: Databases) -> Iterator[Company]:
    master = new_master()
    with Backend.open(databases.app, databases.keys_app, master) as backend:
        yield Company(backend, databases, master)


def test_what_is_acknowledged_is_a_fact_once(company: Company) -> None:
    leaver = company.leaver()
    assert company.acknowledge(leaver, 1) == 0
    assert [company.acknowledge(leaver) for _ in range(3)] == [2, 2, 2]
    assert company.counted("crm.feed.acknowledged.v1") == 1
    (event,) = company.backend.ledger.load([company.backend.vault.derive_id("feed", str(leaver.feed))])
    assert (event.actor, event.origin) == (str(leaver.partner_id), Origin.PARTNER)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_it_closes_everything_and_nothing_twice(company: Company, moment: str, tmp_path: Path) -> None:
    leaver, closed = company.leaver(), tmp_path / "closed"
    company.acknowledge(leaver)
    given = [company.databases.app, company.databases.keys_app, company.master, moment, str(closed)]
    command = [sys.executable, "-m", "tests.closing", *given]
    killed = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, check=False, timeout=60)
    assert killed.returncode == -9
    with closer_of(company.databases.app, company.backend, [WrittenDoor(closed, "")]) as term:
        term.step()
        term.step()
    assert set(closed.read_text().splitlines()) == {f"{leaver.feed} {leaver.partner_id}"}
    assert company.counted("crm.feed.closed.v1") == 1
    assert company.counted("crm.access.key_revoked.v1") == len(leaver.accesses)


def test_after_its_time_it_is_closed_whatever_the_partner_says(company: Company) -> None:
    company.leaver()
    with closer_of(company.databases.app, company.backend) as term:
        term.step()
    assert company.counted("crm.feed.closed.v1") == 0
    with closer_of(company.databases.app, company.backend, late=PATIENCE) as term:
        term.step()
    assert (company.counted("crm.feed.closed.v1"), company.counted("crm.access.key_revoked.v1")) == (1, 2)


def test_of_two_that_close_one_waits(company: Company) -> None:
    with (
        closer_of(company.databases.app, company.backend),
        pytest.raises(AssertionError),
        closer_of(company.databases.app, company.backend),
    ):
        pass
