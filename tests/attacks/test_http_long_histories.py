"""A customer with very many facts: a page of their history costs what a page costs, and holds nobody up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.postgres.erasures import PostgresErasures
from adapters.postgres.server import PostgresServer
from domain.access.facts import Held, Role
from domain.customer.facts import CustomerStageChanged, Stage
from domain.ports import Append, NewFact, Write
from projections.history import Horizon, read_history
from streams.departments import tell_history
from tests.conftest import copied
from tests.http_api import HttpApi, served

FACTS, CHUNK = 10_000, 1_000
LONGEST_S = 8.0  # of a machine that does other things too
NOW = datetime.now(UTC)
LAPSED = CustomerStageChanged(stage=Stage.LAPSED)


@pytest.fixture(scope="module")
def api(postgres: PostgresServer, template: tuple[str, str]) -> Iterator[HttpApi]:
    with copied(postgres, template) as databases, served(databases) as api:
        yield api


@pytest.fixture(scope="module")
def erasures(api: HttpApi) -> Iterator[PostgresErasures]:
    with closing(PostgresErasures(api._databases.app)) as erasures:
        yield erasures


@pytest.fixture(scope="module")
def customer(api: HttpApi) -> UUID:
    """With many facts, each a minute older than the one before it."""
    customer_id = api.backend.customer(name="Ana Lima")
    version = api.backend.ledger.load([customer_id])[-1].stream_version
    for first in range(0, FACTS, CHUNK):
        writes = [write(customer_id, NOW - timedelta(minutes=n)) for n in range(first, first + CHUNK)]
        api.backend.ledger.append(Append(writes, {customer_id: version + first}))
    return customer_id


def write(customer_id: UUID, at: datetime) -> Write:
    command_id = uuid7()
    fact = NewFact(customer_id, customer_id, LAPSED)
    return Write(command_id, bytes(16), command_id, command_id, "test", "import", at, (fact,))


def test_pages_from_anywhere_are_told_in_a_moment_while_others_are_served(api: HttpApi, customer: UUID) -> None:
    path, last = f"/v1/customers/{customer}/history", api.backend.ledger.last_position()
    places = [1, last // 2, last - 50, last, last + 1, 2**62] * 4
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        told = pool.map(lambda after: api.ask(path, after=after, limit=100).json(), places)
        assert api.client.get("/health/live", timeout=2).status_code == 200
        found = [[fact["position"] for fact in page["facts"]] for page in told]
    assert time.monotonic() - began < LONGEST_S
    own = [event.position for event in api.backend.ledger.read_subject(customer, 0, FACTS + 1)]
    assert found == [[position for position in own if position > after][:100] for after in places]


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SUPPORT])
@pytest.mark.parametrize("asked", ["everything", "as_of", "as_of long ago", "known_at"])
def test_a_page_tells_what_the_whole_history_does(
    api: HttpApi, erasures: PostgresErasures, customer: UUID, role: Role, asked: str
) -> None:
    recorded = api.backend.ledger.read_subject(customer, FACTS // 2, 1)[0].recorded_at
    horizon = {
        "as_of": Horizon(as_of=NOW - timedelta(minutes=FACTS // 2)),
        "as_of long ago": Horizon(as_of=NOW - timedelta(days=10_000)),
        "known_at": Horizon(known_at=recorded),
    }.get(asked, Horizon())
    whole = read_history(customer, api.backend.ledger, erasures, horizon)
    followed, _ = tell_history(whole, frozenset({Held(role=role)}))
    query = {name: at.isoformat() for name, at in horizon.by._asdict().items() if at}
    began = time.monotonic()
    page = api.ask(f"/v1/customers/{customer}/history", role=role, limit=20, **query).json()
    assert time.monotonic() - began < LONGEST_S
    assert [fact["position"] for fact in page["facts"]] == [event.position for event in followed[:20]]
    assert page["left_out"] == len(whole) - len(followed)
    assert (page["next"] is None) == (len(followed) <= 20)
