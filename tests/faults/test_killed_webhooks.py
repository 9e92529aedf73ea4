"""The webhooks' worker is killed under load: its receivers miss nothing, and see each entry first in its order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from standardwebhooks import Webhook

from adapters.ids import uuid7
from adapters.postgres.server import PostgresServer
from adapters.postgres.webhook_secrets import PostgresSecretPrints
from adapters.webhooks.signing import Signer
from deploy.processes import PARENT
from streams.webhooks.endpoints import endpoint_in
from tests.backend import Backend
from tests.conftest import Databases
from tests.faults.system import ROOT, Part
from tests.feeding import agree, enter_all, partner, place, product
from tests.receiving import Receiver, hang, receiving

ENTRIES, KILLS, PATIENCE_S = 1_500, 5, 120.0


PROGRAM = (sys.executable, "-m", "deploy.main")
TAKE = "delete from keys.secret where name like 'webhook %' returning name, wrapped"
GIVE = "insert into keys.secret (name, wrapped) values (%s, %s)"


@pytest.fixture
def environment(own: Databases, master: str, tmp_path: Path) -> Mapping[str, str]:
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
    return {**kept, **given}


@pytest.fixture
def worker(environment: Mapping[str, str], tmp_path: Path) -> Iterator[Part]:
    part = Part("webhooks", [*PROGRAM, "run", "webhooks"], environment, tmp_path / "webhooks.log")
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
        with closing(PostgresSecretPrints(own.app)) as prints:
            shown = Signer(backend.vault, prints).shown(endpoint_id, endpoint_in(backend.ledger, endpoint_id))
        webhook = Webhook(shown)
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


def test_killed_and_over_keys_that_lost_a_secret_it_sends_nothing_until_they_are_back(
    backend: Backend, own: Databases, worker: Part, environment: Mapping[str, str]
) -> None:
    def ask(*arguments: object) -> tuple[int, str, str]:
        command = [*PROGRAM, *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    feed = fill(backend, own, 300)
    with receiving() as receiver:
        endpoint_id = add(backend, feed, receiver.url)
        worker.start()
        await_heard(receiver, 20, worker)
        worker.kill()
        heard = len(receiver.heard)
        with psycopg.connect(own.keys_owner) as db:
            taken = db.execute(TAKE).fetchall()
        for n in range(2):
            worker.start()
            await_told(worker, "webhook waits for its secret", n + 1)
            await_lacking(own, worker)
            worker.kill()
        assert len(receiver.heard) == heard
        assert "\twaiting\t" in ask("webhook", "list")[1]
        assert "waiting, " in ask("status")[1]
        status, told, _ = ask("doctor")
        assert (status, "`relato webhook rotate ENDPOINT`" in told) == (1, True)
        status, told, reason = ask("webhook", "secret", endpoint_id)
        assert (status != 0, told, "`relato webhook rotate ENDPOINT`" in reason) == (True, "", True)
        worker.start()
        with psycopg.connect(own.keys_owner) as db:
            db.cursor().executemany(GIVE, taken)
        await_heard(receiver, 300, worker)
        assert first_sights(receiver) == [*range(1, 301)]
        webhook = Webhook(ask("webhook", "secret", endpoint_id)[1].strip())
        for one in receiver.heard:
            webhook.verify(one.body, one.headers)
        assert worker.stop() == 0


def await_told(worker: Part, what: str, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while worker.log.read_text().count(what) < times:
        assert time.monotonic() < deadline, worker.told()
        time.sleep(0.02)


def await_lacking(own: Databases, worker: Part) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(own.owner, autocommit=True) as db:
        while db.execute("select 1 from feeds.webhook where lacks <> ''").fetchone() is None:
            assert time.monotonic() < deadline, worker.told()
            time.sleep(0.02)
