"""Alerts and live windows over HTTP: as they are, as they come, for the roles that see the department."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.kafka.live_topics import NotLiveError
from domain.access.facts import Role, Rows
from streams.topics import ALERTS
from streams.windows.alerts import ComplaintsBurst, Told
from tests.conftest import Databases
from tests.http_api import HttpApi, served
from tests.http_streams import following

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STREAM = {"Accept": "text/event-stream"}


class Noted(NamedTuple):
    partition: int
    offset: int
    told: Told


class FakeLive:
    """`is_away`: Kafka does not answer."""

    def __init__(self) -> None:
        self.noted: list[Noted] = []
        self.shown: dict[str, Mapping[str, Any]] = {}
        self.is_away = False

    def alerts(self) -> Sequence[Noted]:
        if self.is_away:
            raise NotLiveError
        return list(self.noted)

    def rows(self, window: str, department: str) -> tuple[str | None, Mapping[str, Mapping[str, Any]]]:
        if self.is_away:
            raise NotLiveError
        assert department in {"sales", "support"}
        return NOW.isoformat(), {key: row for key, row in self.shown.items() if key.startswith(window)}

    def alert(self, product: UUID) -> Told:
        partition = product.int % ALERTS.partitions
        offset = sum(noted.partition == partition for noted in self.noted)
        told = Told(uuid7(), ComplaintsBurst.TYPE, NOW, product, {"product_id": str(product), "complaints": 5})
        self.noted.append(Noted(partition, offset, told))
        return told


@pytest.fixture
def live() -> FakeLive:
    return FakeLive()


@pytest.fixture
def api(databases: Databases, live: FakeLive) -> Iterator[HttpApi]:
    with served(databases, live=live) as api:
        yield api


def test_alerts_come_as_they_arise_and_go_on_behind_the_last_one_that_one_has(api: HttpApi, live: FakeLive) -> None:
    told = [live.alert(uuid7())]
    with following(api, "/v1/support/alerts") as stream:
        (first,) = stream.take(1)
        assert (first.event, first.content["id"]) == ("alert", str(told[0].id))
        told += [live.alert(uuid7()) for _ in range(40)]
        more = stream.take(40)
    assert [one.content["id"] for one in more] == [str(one.id) for one in told[1:]]
    with following(api, "/v1/support/alerts", last_id=more[9].id) as stream:
        assert [one.content["id"] for one in stream.take(30)] == [str(one.id) for one in told[11:]]
    listed = api.ask("/v1/sales/alerts").json()["alerts"]
    assert [one["id"] for one in listed] == [str(one.id) for one in told]
    assert listed[0]["content"] == {"product_id": str(told[0].subject_id), "complaints": 5}
    assert api.ask("/v1/support/alerts", headers={**STREAM, "Last-Event-ID": "7"}).status_code == 422


def test_a_window_is_followed_as_its_rows_change_and_go(api: HttpApi, live: FakeLive) -> None:
    live.shown = {"activity/a": {"seller_id": "a", "won": 1}, "activity/b": {"seller_id": "b", "won": 0}}
    assert api.ask("/v1/sales/activity").json() == {"as_of": NOW.isoformat(), "rows": list(live.shown.values())}
    with following(api, "/v1/sales/activity") as stream:
        (snapshot,) = stream.take(1)
        assert (snapshot.event, len(snapshot.content["rows"])) == ("snapshot", 2)
        live.shown = {"activity/a": {"seller_id": "a", "won": 2}}
        (changed,) = stream.take(1)
        assert changed.event == "changed"
        assert changed.content["rows"] == [{"seller_id": "a", "won": 2}]
        assert changed.content["gone"] == [{"seller_id": "b"}]
        assert stream.comment().id == changed.id


def test_they_are_for_roles_that_see_all_of_the_department(api: HttpApi) -> None:
    paths = ["/v1/sales/alerts", "/v1/support/alerts", "/v1/sales/activity", "/v1/support/complaints"]
    allowed = {
        role: [path for path in paths if api.ask(path, role=role).status_code == 200]
        for role in (Role.SALES, Role.SUPPORT, Role.MANAGEMENT, Role.MARKETING, Role.PARTNER)
    }
    assert allowed == {
        Role.SALES: [paths[0], paths[2]],
        Role.SUPPORT: [paths[1], paths[3]],
        Role.MANAGEMENT: paths,
        Role.MARKETING: [],
        Role.PARTNER: [],
    }
    assert api.ask(paths[2], role=api.admit(Role.SALES, scope=Rows.OWN)).status_code == 403
    assert api.ask(paths[2], role=None).status_code == 401
    assert api.ask("/v1/support/sla-at-risk", headers={"Accept": "image/png"}).status_code == 406


def test_while_kafka_is_away_it_is_said(api: HttpApi, live: FakeLive) -> None:
    live.is_away = True
    for path in ("/v1/sales/alerts", "/v1/support/sla-at-risk"):
        answer = api.ask(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "not-live")


def test_without_kafka_there_are_none(databases: Databases) -> None:
    with served(databases) as api:
        assert api.ask("/v1/sales/alerts").status_code == 404
        assert "/v1/sales/activity" not in api.client.get("/openapi.json").json()["paths"]
