"""Other ways out of a feed that has ended: webhook endpoints are removed, a topic that cannot be reached says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.ids import uuid7
from deploy.doors import Endpoints, Topics, TopicUnreachedError
from deploy.settings import Settings
from deploy.wiring import Databases, Installation
from domain.catalogue import REGISTRY
from domain.execute import Context
from streams.feeds.topics import Binding
from streams.webhooks.endpoints import find_endpoints
from tests import conftest
from tests.backend import Backend, new_master
from tests.feeding import agree, partner


@contextmanager
def opened(databases: conftest.Databases, master: str, home: Path) -> Iterator[Installation]:
    places = Databases(databases.owner, databases.app, databases.keys_owner, databases.keys_app)
    with Installation(Settings(home=home, master_key=master), databases=places) as installation:
        yield installation


@pytest.fixture
def master() -> str:
    return new_master()


@pytest.fixture
def feeds(databases: conftest.Databases, master: str) -> tuple[UUID, UUID]:
    """Of two agreements with one partner."""
    with Backend.open(databases.app, databases.keys_app, master) as backend:
        partner_id = partner(backend)
        return agree(backend, partner_id), agree(backend, partner_id)


def add_endpoint(installation: Installation, dsn: str, feed: UUID) -> UUID:
    """One that its worker has seen."""
    endpoint_id = uuid7()
    given = {"endpoint_id": endpoint_id, "agreement_id": feed, "url": "https://partner.example/hook"}
    command = REGISTRY.named("endpoint.add").command.model_validate(given)
    installation.executor.execute(command, Context(uuid7(), "tester"))
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute(
            "insert into feeds.webhook (endpoint, feed, taken, sends) values (%s, %s, 0, true)", [endpoint_id, feed]
        )
    return endpoint_id


def test_the_feeds_endpoints_are_removed_and_no_others_however_often(
    databases: conftest.Databases, master: str, feeds: tuple[UUID, UUID], tmp_path: Path
) -> None:
    with opened(databases, master, tmp_path) as installation:
        ended, other = (add_endpoint(installation, databases.owner, feed) for feed in feeds)
        for _ in range(2):
            Endpoints(installation).close(feeds[0], uuid7())
        found = find_endpoints(installation.ledger, [ended, other])
        assert (found[ended].removed, found[other].removed) == (True, False)
        assert [event.type for event in installation.ledger.load([ended])].count("crm.endpoint.removed.v1") == 1


def test_a_topic_in_a_kafka_that_is_not_named_keeps_its_feed_open(
    databases: conftest.Databases, master: str, feeds: tuple[UUID, UUID], tmp_path: Path
) -> None:
    with opened(databases, master, tmp_path) as installation:
        Topics(installation).close(feeds[0], uuid7())  # it has none
        installation.partner_topics.open(Binding("olaria", feeds[0], uuid7()), "tester")
        with pytest.raises(TopicUnreachedError, match="olaria"):
            Topics(installation).close(feeds[0], uuid7())
        Topics(installation).close(feeds[1], uuid7())
