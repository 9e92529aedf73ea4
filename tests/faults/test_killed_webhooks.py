"""The webhooks' worker is killed under load: its receivers miss nothing, and see each entry first in its order."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from adapters.ids import uuid7
from adapters.postgres.server import PostgresServer
from adapters.webhooks.signing import Signer
from deploy.processes import PARENT
from streams.webhooks.endpoints import endpoint_in
from tests.backend import Backend
from tests.conftest import Databases
from tests.faults.system import ROOT, Part
from tests.feeding import agree, enter_all, partner, place, product
from tests.receiving import Receiver, hang, receiving

ENTRIES, KILLS, PATIENCE_S = 1_500, 5, 120.0


@pytest.fixture
def worker(own: Databases, master: str, tmp_path: Path) -> Iterator[Part]:
    given = {
        "RELATO_HOME": str(tmp_path),
        "RELATO_DATABASE": own.owner,
        "RELATO_KEYS_DATABASE": own.keys_owner,
        "RELATO_MASTER_KEY": master,
        "RELATO_WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
        "RELATO_WEBHOOK_PLAIN": "true",
        "PYTHONPATH": str(ROOT),
        PARENT: "1",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELATO_")}
    command = [sys.executable, "-m", "deploy.main", "run", "webhooks"]
    part = Part("webhooks", command, {**kept, **given}, tmp_path / "webhooks.log")
    yield part
    part.kill()


def fill(backend: Backend, own: Databases, count: int) -> UUID:
    """A feed with so many entries."""
    partner_id, customer_id = partner(backend), backend.customer()
    feed, product_id = agree(backend, partner_id), product(backend, partner_id)
    for n in range(count):
        place(backend, customer_id, product_id, number=str(n))
    enter_all(own.app)
    return feed


def add(backend: Backend, feed: UUID, url: str) -> UUID:
    endpoint_id = uuid7()
    backend.do("endpoint.add", endpoint_id=endpoint_id, agreement_id=feed, url=url)
    return endpoint_id


def first_sights(receiver: Receiver) -> list[int]:
    return list(dict.fromkeys(receiver.numbers))


def await_heard(receiver: Receiver, count: int, worker: Part) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(set(receiver.numbers)) < count:
        assert time.monotonic() < deadline, worker.told()
        time.sleep(0.005)


def test_receivers_miss_nothing_however_often_the_worker_is_killed(
    backend: Backend, own: Databases, worker: Part
) -> None:
    feed = fill(backend, own, ENTRIES)
    with receiving() as one, receiving() as two, receiving(hang) as stuck:
        endpoint_id = add(backend, feed, one.url)
        for url in (two.url, stuck.url):
            add(backend, feed, url)
        for n in range(KILLS):
            worker.start()
            await_heard(one, (n + 1) * ENTRIES // (KILLS + 2), worker)
            worker.kill()
        assert len(set(one.numbers)) < ENTRIES
        worker.start()
        for receiver in (one, two):
            await_heard(receiver, ENTRIES, worker)
            assert first_sights(receiver) == [*range(1, ENTRIES + 1)]
        ids = {heard.number: heard.headers["webhook-id"] for heard in one.entries}
        assert all(heard.headers["webhook-id"] == ids[heard.number] for heard in (*one.entries, *two.entries))
        webhook = Webhook(Signer(backend.vault).shown(endpoint_id, endpoint_in(backend.ledger, endpoint_id)))
        for heard in one.entries:
            webhook.verify(heard.body, heard.headers)
        assert worker.stop() == 0


def test_the_database_may_go_away_and_come_back(
    backend: Backend, own: Databases, worker: Part, server: PostgresServer
) -> None:
    feed = fill(backend, own, 300)
    with receiving() as receiver:
        add(backend, feed, receiver.url)
        worker.start()
        await_heard(receiver, 20, worker)
        server.kill()
        server.start()
        await_heard(receiver, 300, worker)
        assert first_sights(receiver) == [*range(1, 301)]
