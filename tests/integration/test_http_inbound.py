"""Partners send events over HTTP: each has a verdict, what is refused is held and mended, nobody else gets in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import psycopg
import pytest

from adapters.access.api_key import ApiKey
from adapters.ids import uuid7
from adapters.postgres.access_log import PostgresAccessLog
from adapters.postgres.quarantine import PostgresQuarantine
from domain.access.facts import Role
from domain.event import Origin
from domain.product.facts import ProductAvailabilityReported
from streams.inbound.quarantine import Held
from tests.conftest import Databases
from tests.feeding import agree, amend, partner, place, product
from tests.http_api import HttpApi, served
from tests.sending import accepting, event

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def held_in(databases: Databases) -> Sequence[Held]:
    with closing(PostgresQuarantine(databases.app)) as quarantine:
        return quarantine.read(limit=10)


class Sender(NamedTuple):
    """A supplier with a key, an agreement that accepts, and a product."""

    api: HttpApi
    partner_id: UUID
    agreement_id: UUID
    product_id: UUID
    key: ApiKey

    @property
    def path(self) -> str:
        return f"/v1/feeds/{self.agreement_id}/inbound"

    def low(self, id_: str = "1", level: str = "low", **more: Any) -> dict[str, Any]:
        return event("availability", {"product_id": str(self.product_id), "level": level}, id_, **more)

    def post(self, content: Any, *, key: ApiKey | None = None, kind: str | None = None) -> httpx.Response:
        kind = kind or (MANY if isinstance(content, list) else ONE)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {(key or self.key).text}", "Content-Type": kind}
        return self.api.client.post(self.path, content=body, headers=headers)

    def refused(self, **query: Any) -> list[dict[str, Any]]:
        return list(self.api.ask(self.path, role=self.key, **query).json()["refused"])


def supplier(api: HttpApi, name: str = "Olaria", *types: str) -> Sender:
    partner_id = partner(api.backend, name)
    agreed = accepting(*(types or ("availability", "shipment")))
    agreement_id = agree(api.backend, partner_id, agreed)
    key = api.admit(Role.PARTNER, acts_as=partner_id)
    return Sender(api, partner_id, agreement_id, product(api.backend, partner_id), key)


def test_an_event_is_taken_once_and_its_token_waits_for_what_it_wrote(api: HttpApi) -> None:
    ours = supplier(api)
    first, again = ours.post(ours.low()), ours.post(ours.low())
    assert (first.status_code, first.json()["verdict"]) == (201, "accepted")
    assert (again.status_code, again.json()["verdict"]) == (200, "repeated")
    assert first.json()["token"] == again.json()["token"] == first.headers["Relato-Token"]
    newest = api.backend.ledger.load([ours.product_id])[-1]
    assert isinstance(newest.fact, ProductAvailabilityReported)
    assert (newest.actor, newest.origin) == (str(ours.partner_id), Origin.PARTNER)
    api.fold()
    rows = api.ask("/v1/partners/availability", role=ours.key, headers={"Relato-Token": first.json()["token"]}).json()
    assert [row["level"] for row in rows["rows"]] == ["low"]


def test_of_many_each_has_a_verdict_in_its_place(api: HttpApi) -> None:
    ours, theirs = supplier(api), supplier(api, "Vidros")
    sent = [ours.low("1"), theirs.low("2"), {}, ours.low("1"), ours.low("1", "in_stock"), event("lead", {}, "5")]
    verdicts = ours.post(sent).json()["verdicts"]
    assert [one["verdict"] for one in verdicts] == ["accepted", "refused", "refused", "repeated", "refused", "refused"]
    assert [one["status"] for one in verdicts] == [201, 404, 422, 200, 409, 409]
    assert [one.get("code") for one in verdicts] == [
        None,
        "unknown",
        "event-form",
        None,
        "event-taken",
        "not-accepted",
    ]
    assert [one["id"] for one in verdicts] == ["1", "2", None, "1", "1", "5"]
    assert len({one["held"] for one in verdicts if one["verdict"] == "refused"}) == 4


def test_a_later_event_of_a_batch_may_rely_on_an_earlier_one(api: HttpApi) -> None:
    ours = supplier(api)
    order_id = place(api.backend, api.backend.customer(), ours.product_id)
    steps = [{"order_id": str(order_id), "shipment": "A", **more} for more in ({}, {"status": "delivered"})]
    verdicts = ours.post([event("shipment", data, str(n)) for n, data in enumerate(steps)]).json()["verdicts"]
    assert [one["verdict"] for one in verdicts] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", ONE, 400, "malformed"),
        (b"{", ONE, 400, "malformed"),
        (b'{"id": "\xff"}', ONE, 400, "malformed"),
        (b'{"n": NaN}', ONE, 400, "malformed"),
        (b'{"n": -1e999}', ONE, 400, "malformed"),
        (b"{}", MANY, 400, "malformed"),
        (b"[]", MANY, 400, "malformed"),
        (json.dumps([{}] * 101).encode(), MANY, 400, "malformed"),
        (b"{}", "application/json", 415, "event-kind"),
        (b"{}", "text/plain", 415, "event-kind"),
        (b" " * 200_000, ONE, 413, "too-large"),
    ],
)
def test_a_body_that_is_no_event_is_answered_and_nothing_is_held(
    api: HttpApi, body: bytes, kind: str, status: int, code: str
) -> None:
    ours = supplier(api)
    answer = ours.post(body, kind=kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ours.refused() == []


def test_a_name_that_is_none_is_not_repeated(api: HttpApi) -> None:
    answer = supplier(api).post({"id": ["x"] * 1_000, "source": {"y": 1}}, kind=ONE).json()
    assert (answer["id"], answer["source"], answer["code"]) == (None, None, "event-form")


@pytest.mark.parametrize("content", [[], None, "x", {}, {"specversion": "1.0", "id": "1", "source": "/erp"}])
def test_an_event_that_is_none_is_a_problem_and_is_held(api: HttpApi, content: Any) -> None:
    ours = supplier(api)
    answer = ours.post(content, kind=ONE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert (answer.json()["verdict"], answer.json()["code"]) == ("refused", "event-form")
    (held,) = ours.refused()
    assert held["id"] == answer.json()["held"]


@pytest.mark.parametrize(
    ("commands", "code"),
    [(["agreement.suspend"], "not-in-force"), (["agreement.revoke"], "not-in-force")],
)
def test_under_an_agreement_that_does_not_hold_nothing_is_taken_and_all_is_held(
    api: HttpApi, commands: list[str], code: str
) -> None:
    ours = supplier(api)
    for name in commands:
        api.backend.do(name, agreement_id=ours.agreement_id)
    answer = ours.post(ours.low())
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert len(ours.refused()) == 1


def test_from_a_partner_that_was_removed_nothing_is_taken(api: HttpApi) -> None:
    ours = supplier(api)
    api.backend.do("partner.remove", partner_id=ours.partner_id)
    answer = ours.post(ours.low())
    assert answer.status_code in (403, 404, 409)
    assert len(api.backend.ledger.load([ours.product_id])) == 1


def test_what_an_amendment_accepts_no_more_is_refused(api: HttpApi) -> None:
    ours = supplier(api)
    assert ours.post(ours.low()).status_code == 201
    amend(api.backend, ours.agreement_id, accepting("shipment"))
    assert ours.post(ours.low("2")).json()["code"] == "not-accepted"
    assert ours.post(ours.low()).json()["verdict"] == "repeated"


def test_nobody_sends_for_another_partner(api: HttpApi) -> None:
    ours, theirs = supplier(api), supplier(api, "Vidros")
    assert ours.post(ours.low(), key=theirs.key).status_code == 404
    assert api.ask(ours.path, role=theirs.key).status_code == 404
    for role in set(Role) - {Role.PARTNER}:
        assert ours.post(ours.low(), key=api.key(role)).status_code == 403, role
    assert api.client.post(ours.path, content=b"{}", headers={"Content-Type": ONE}).status_code == 401
    stranger = ours._replace(agreement_id=uuid7())
    assert stranger.post(ours.low()).status_code == 404
    assert ours.refused() == theirs.refused() == []


def test_the_partner_sees_what_was_refused_and_asks_for_one_events_verdict(api: HttpApi, databases: Databases) -> None:
    ours, theirs = supplier(api), supplier(api, "Vidros")
    ours.post([ours.low("good"), ours.low("bad", "plenty"), ours.low("worse", "none")])
    (bad, worse) = ours.refused()
    assert (bad["event"], bad["code"]) == ({"source": "/erp", "id": "bad"}, "event-data")
    assert ours.refused(after=bad["seq"]) == [worse]
    assert ours.refused(state="accepted") == []
    assert theirs.refused() == []
    verdict = api.ask(f"{ours.path}/verdict", role=ours.key, source="/erp", id="good").json()
    assert (verdict["verdict"], bool(verdict["token"])) == ("accepted", True)
    assert api.ask(f"{ours.path}/verdict", role=ours.key, source="/erp", id="bad").status_code == 404
    assert api.ask(f"{ours.path}/verdict", role=ours.key).status_code == 422
    with closing(PostgresAccessLog(databases.app)) as log:
        owners = [one.owner for one in held_in(databases)]
        assert {reading.route for reading in log.of_persons(owners)} == {"/v1/feeds/{agreement_id}/inbound"}


def test_an_administrator_looks_mends_and_replays(api: HttpApi, databases: Databases) -> None:
    ours = supplier(api)
    held_id = ours.post(ours.low("1", "plenty")).json()["held"]
    (listed,) = api.ask("/v1/quarantine").json()["refused"]
    assert (listed["id"], listed["partner_id"]) == (held_id, str(ours.partner_id))
    whole = api.ask(f"/v1/quarantine/{held_id}").json()
    assert whole["event"]["data"]["level"] == "plenty"
    with closing(PostgresAccessLog(databases.app)) as log:
        owners = [one.owner for one in held_in(databases)]
        assert "/v1/quarantine/{held_id}" in {reading.route for reading in log.of_persons(owners)}
    assert api.give(f"quarantine/{held_id}/replay").json()["code"] == "event-data"
    right = {"data": {"product_id": str(ours.product_id), "level": "in_stock"}}
    assert api.give(f"quarantine/{held_id}/mend", right).json()["mended_by"]
    assert api.give(f"quarantine/{held_id}/replay").json()["verdict"] == "accepted"
    assert ours.post(ours.low("1", "plenty")).json()["verdict"] == "repeated"
    (seen,) = ours.refused()
    assert (seen["state"], seen["attempts"]) == ("accepted", 2)
    assert api.give(f"quarantine/{held_id}/replay").status_code == 409


def test_what_is_discarded_is_gone_and_the_partner_sees_that_it_is(api: HttpApi) -> None:
    ours = supplier(api)
    held_id = ours.post(ours.low("1", "plenty")).json()["held"]
    assert api.give(f"quarantine/{held_id}/discard").json()["event"] == {"source": "/erp", "id": "1"}
    assert [one["state"] for one in ours.refused()] == ["discarded"]
    assert api.ask("/v1/quarantine").json()["refused"] == []
    assert api.give(f"quarantine/{held_id}/discard").status_code == 409


@pytest.mark.parametrize("body", [{}, {"data": {}, "event": {}}, {"data": []}, {"dat": {}}])
def test_a_mending_that_is_none_is_refused(api: HttpApi, body: dict[str, Any]) -> None:
    ours = supplier(api)
    held_id = ours.post(ours.low("1", "plenty")).json()["held"]
    assert api.give(f"quarantine/{held_id}/mend", body).status_code == 422


def test_where_no_more_can_be_held_a_refused_event_says_so_and_the_others_are_taken(
    api: HttpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = supplier(api)
    monkeypatch.setattr(PostgresQuarantine, "_has_room", lambda *_: False)
    full, taken = ours.post([ours.low("1", "plenty"), ours.low("2")]).json()["verdicts"]
    assert (full["verdict"], full["status"], full["code"], full["held"]) == ("refused", 503, "quarantine-full", None)
    assert taken["verdict"] == "accepted"
    assert ours.refused() == []


def test_what_was_never_held_is_not_there(api: HttpApi) -> None:
    assert api.ask(f"/v1/quarantine/{uuid7()}").status_code == 404
    for verb in ("replay", "discard"):
        assert api.give(f"quarantine/{uuid7()}/{verb}").status_code == 404


def test_nothing_of_a_refused_event_lies_open_in_the_database(api: HttpApi, databases: Databases) -> None:
    ours = supplier(api)
    ours.post(event("lead", {"name": "Joaquim Sardinha"}, "joaquim@example.org", subject="Rua das Flores"))
    ours.post(ours.low("ana@example.org"))
    with psycopg.connect(databases.owner) as db:
        rows = [str(db.execute(f"select * from feeds.{table}").fetchall()) for table in ("quarantine", "taken")]
    assert all(len(row) > 2 for row in rows)
    for secret in ("Joaquim", "joaquim@", "Flores", "ana@"):
        assert secret not in "".join(rows)
