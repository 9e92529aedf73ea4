"""After a restore from an older backup numbers are used again: who knows other things by them is told so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from adapters.access.api_key import ApiKey
from adapters.postgres.server import PostgresServer
from domain.access.facts import Role
from tests import http_api
from tests.backend import new_master
from tests.conftest import Databases, copied
from tests.feeding import ORDERS, agree, enter_all, partner, place, product, terms
from tests.http_api import HttpApi, served
from tests.http_streams import following

FACTS = "/v1/sales/facts"


class Told(NamedTuple):
    """Up to where the feed is known, which version the customer has, and up to where sales' facts are."""

    token: str
    etag: str
    fact: str


class World(NamedTuple):
    """What is there before the backup."""

    feed: UUID
    jar: UUID
    customer: UUID
    key: ApiKey

    @property
    def path(self) -> str:
        return f"/v1/feeds/{self.feed}"

    def go_on(self, api: HttpApi, databases: Databases, number: str) -> Told:
        for stage in ("lapsed", "customer"):
            place(api.backend, self.customer, self.jar, number=number)
            changed = api.give(f"customer/{self.customer}/change_stage", {"stage": stage})
            assert changed.status_code == 201, changed.text
        enter_all(databases.app)
        with following(api, FACTS) as stream:
            return Told(api.ask(self.path, role=self.key).json()["token"], changed.headers["ETag"],
                        str(stream.comment().id))  # fmt: skip


class Restored(NamedTuple):
    """The installation as a backup has it, going on; what is known from before the backup, and from after it."""

    api: HttpApi
    databases: Databases
    world: World
    kept: Told
    lost: Told

    def pull(self, **query: Any) -> httpx.Response:
        return self.api.ask(self.world.path, role=self.world.key, **query)

    def follow(self, last_id: str) -> httpx.Response:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last_id}
        return self.api.ask(self.world.path, role=self.world.key, headers=headers)

    def grow(self) -> None:
        """Beyond what was known before."""
        for n in range(3):
            place(self.api.backend, self.world.customer, self.world.jar, number=f"new {n}")
        enter_all(self.databases.app)


@pytest.fixture
def restored(
    postgres: PostgresServer, template: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Restored]:
    master = new_master()
    monkeypatch.setattr(http_api, "new_master", lambda: master)
    with copied(postgres, template) as databases:
        with served(databases) as api:
            partner_id = partner(api.backend)
            feed = agree(api.backend, partner_id, terms(ORDERS, scope="supplier"))
            jar, customer = product(api.backend, partner_id), api.backend.customer(name="Ana Lima")
            world = World(feed, jar, customer, api.admit(Role.PARTNER, acts_as=partner_id))
            administrator = api.key(Role.ADMINISTRATOR)
            kept = world.go_on(api, databases, "kept")
        with copied(postgres, (name_of(databases.owner), name_of(databases.keys_owner))) as backup:
            with served(databases) as api:
                api._keys[Role.ADMINISTRATOR] = administrator
                lost = world.go_on(api, databases, "lost")
            with served(backup) as api:
                api._keys[Role.ADMINISTRATOR] = administrator
                yield Restored(api, backup, world, kept, lost)


def name_of(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])


def test_a_feeds_token_from_before_the_backup_goes_on(restored: Restored) -> None:
    restored.grow()
    told = restored.pull(after=restored.kept.token).json()
    assert [(event["feedseq"], event["data"]["number"]) for event in told["events"]] == [
        (3, "new 0"), (4, "new 1"), (5, "new 2"),
    ]  # fmt: skip


def test_a_feeds_token_from_after_it_is_refused_however_far_the_feed_has_grown(restored: Restored) -> None:
    assert restored.lost.token.startswith("4.")
    beyond = [restored.pull(after=restored.lost.token), restored.follow(restored.lost.token), restored.pull(after=4)]
    assert [(one.status_code, one.json()["code"]) for one in beyond] == [(422, "feed-position")] * 3
    restored.grow()
    grown = [restored.pull(after=restored.lost.token), restored.follow(restored.lost.token)]
    assert [(one.status_code, one.json()["code"]) for one in grown] == [(422, "feed-replaced")] * 2
    assert restored.pull(after=restored.lost.token, wait=20).status_code == 422


def test_each_event_of_a_stream_bears_a_token(restored: Restored) -> None:
    restored.grow()
    headers = {
        "Accept": "text/event-stream",
        "Last-Event-ID": "2",
        "Authorization": f"Bearer {restored.world.key.text}",
    }
    with restored.api.client.stream("GET", restored.world.path, headers=headers) as answer:
        lines = (line.removeprefix("id: ") for line in answer.iter_lines() if line.startswith("id: "))
        beat, *ids = (next(lines) for _ in range(4))
    assert beat == restored.kept.token
    for after, id_ in enumerate(ids, 3):
        assert restored.pull(after=id_).json()["next"] == 5
        assert id_.startswith(f"{after}.")
        assert restored.pull(after=f"{after}.{'0' * 12}").json()["code"] == "feed-replaced"


def test_what_was_lost_is_done_again_under_the_same_key_and_ids(restored: Restored) -> None:
    again = [restored.api.give("customer/new/register", {"name": "Rui"}, Idempotency_Key="web-17") for _ in range(2)]
    assert [one.status_code for one in again] == [201, 200]
    assert again[0].json()["ids"] == again[1].json()["ids"]


def test_a_version_that_is_not_reached_again_is_refused(restored: Restored) -> None:
    path = f"customer/{restored.world.customer}/change_stage"
    refused = restored.api.give(path, {"stage": "customer"}, If_Match=restored.lost.etag)
    assert (refused.status_code, refused.json()["code"]) == (412, "version")


def test_a_departments_place_from_after_the_backup_is_refused_however_far_the_ledger_has_grown(
    restored: Restored,
) -> None:
    beyond = restored.api.ask(FACTS, headers={"Last-Event-ID": restored.lost.fact})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "position")
    for n in range(9):
        restored.api.register(name=f"New {n}")
    grown = restored.api.ask(FACTS, headers={"Last-Event-ID": restored.lost.fact})
    assert (grown.status_code, grown.json()["code"]) == (422, "replaced")
    with following(restored.api, FACTS, last_id=restored.kept.fact) as stream:
        told = stream.take(9)
    assert [message.content["fact"]["name"] for message in told] == [f"New {n}" for n in range(9)]
    with following(restored.api, FACTS, last_id=told[3].id) as stream:
        assert stream.take(1)[0].id == told[4].id


def test_a_department_is_told_that_the_ledger_has_not_come_so_far(restored: Restored) -> None:
    beyond = str(restored.api.backend.ledger.last_position() + 1)
    refused = restored.api.ask(FACTS, headers={"Last-Event-ID": beyond})
    assert (refused.status_code, refused.json()["code"]) == (422, "position")
