"""Streams over HTTP: a department's facts from any position on, and a read model's page as it changes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from adapters.http.parts import Limits
from adapters.http.room import Room
from adapters.http.sse import Streams
from adapters.ids import uuid7
from domain.access.facts import Role, Rows
from streams.departments import DEPARTMENTS
from tests.conftest import Databases
from tests.http_api import HttpApi, served
from tests.http_streams import following

SALES = "/v1/sales/facts"
BOARD = "/v1/sales/pipeline"
LONG = "It was a long letter. " * 3_000


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def positions(api: HttpApi, department: str = "sales") -> list[str]:
    followed = DEPARTMENTS[department].types
    return [str(event.position) for event in api.backend.ledger.read(0, 1_000) if event.type in followed]


def open_deal(api: HttpApi, customer_id: str, **fields: Any) -> str:
    answer = api.give("opportunity/new/open", {"customer_id": customer_id, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ids"]["opportunity_id"])


def test_the_facts_come_from_the_first_on_and_go_on_as_they_happen(api: HttpApi) -> None:
    customer = api.register(name="Ana Lima")
    with following(api, SALES, from_=1) as stream:
        (first,) = stream.take(1)
        assert (first.event, first.content["type"]) == ("fact", "crm.customer.registered.v1")
        assert first.content["fact"]["name"] == "Ana Lima"
        assert first.number == str(first.content["position"])
        open_deal(api, customer, title="desk")
        (second,) = stream.take(1)
        assert second.content["fact"]["title"] == "desk"
        assert [first.number, second.number] == positions(api)
        assert stream.answer.headers["content-type"].startswith("text/event-stream")


def test_a_stream_may_begin_in_the_middle_and_without_a_position_with_what_comes(api: HttpApi) -> None:
    for name in ("Ana", "Rui", "Eva"):
        api.register(name=name)
    middle = positions(api)[1]
    with following(api, SALES, from_=middle) as stream, following(api, SALES) as newest:
        newest.comment()
        assert [message.content["fact"]["name"] for message in stream.take(2)] == ["Rui", "Eva"]
        api.register(name="Zoe")
        assert newest.take(1)[0].content["fact"]["name"] == "Zoe"


def test_who_comes_again_with_the_last_id_misses_nothing_and_sees_nothing_twice(api: HttpApi) -> None:
    api.key(Role.ADMINISTRATOR)
    writing = threading.Thread(target=lambda: [api.register(name=f"No. {n}") for n in range(60)])
    api.register(name="the first")
    writing.start()
    seen: list[str | None] = []
    last: str | None = None
    while len(seen) < 61:
        with following(api, SALES, last_id=last or 0) as stream:
            seen += [message.number for message in stream.take(min(7, 61 - len(seen)))]
        last = seen[-1]
    writing.join()
    assert seen == positions(api)


def test_many_readers_see_the_same_while_much_is_written(api: HttpApi) -> None:
    api.key(Role.ADMINISTRATOR)
    found: dict[int, list[str | None]] = {}

    def read(reader: int) -> None:
        with following(api, SALES, from_=1) as stream:
            found[reader] = [message.number for message in stream.take(300)]

    readers = [threading.Thread(target=read, args=(n,)) for n in range(5)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        commands = [{"command": "customer.register", "with": {"name": "Ana"}} for _ in range(100)]
        assert api.give("batch", {"commands": commands}).status_code == 200
    for reader in readers:
        reader.join()
    assert list(found.values()) == [positions(api)] * 5


def test_a_stream_keeps_to_the_types_and_the_customer_that_are_asked_for(api: HttpApi) -> None:
    ana, rui = api.register(name="Ana"), api.register(name="Rui")
    open_deal(api, rui, title="chair")
    open_deal(api, ana, title="desk")
    with following(api, SALES, from_=1, type_="crm.opportunity.opened.v1") as stream:
        assert [message.content["fact"]["title"] for message in stream.take(2)] == ["chair", "desk"]
    with following(api, SALES, from_=1, customer=ana) as stream:
        assert [message.content["subject_id"] for message in stream.take(2)] == [ana, ana]
        open_deal(api, rui, title="lamp")
        api.give(f"customer/{rui}/merge", {"into_id": ana})
        open_deal(api, ana, title="shelf")
        types = [message.content["type"] for message in stream.take(3)]
        assert types == ["crm.customer.merged.v1", "crm.customer.absorbed.v1", "crm.opportunity.opened.v1"]


def test_a_role_sees_only_its_fields(api: HttpApi) -> None:
    api.backend.do("employee.hire", employee_id=uuid7(), name="Rita Cruz", region="south")
    open_deal(api, api.register(name="Ana Lima"), title="desk", amount="5.00 EUR")
    with following(api, SALES, role=Role.SALES, from_=1) as stream:
        hired, _, deal = stream.take(3)
        assert (hired.content["fact"]["name"], deal.content["fact"]["title"]) == ("Rita Cruz", "desk")
    with following(api, SALES, role=Role.AUDITOR, from_=1) as stream:
        (hired,) = stream.take(1)
        assert (hired.content["fact"]["name"], hired.content["_withheld"]) == (None, ["fact.name"])
    with following(api, "/v1/marketing/facts", role=Role.MARKETING, from_=1) as stream:
        registered, deal = stream.take(2)
        assert registered.content["fact"]["name"] == "Ana Lima"
        assert set(deal.content["fact"]) == {"stage", "anonymous"}


def test_another_departments_facts_and_all_customers_are_refused(api: HttpApi) -> None:
    assert api.ask(SALES, role=Role.SUPPORT).status_code == 403
    assert api.ask(SALES, role=Role.PARTNER).status_code == 403
    assert api.ask(SALES, role=None).status_code == 401
    own = api.admit(Role.SALES, scope=Rows.OWN)
    assert api.ask(SALES, role=own).status_code == 403


def test_what_makes_no_sense_is_refused_before_the_stream_begins(api: HttpApi) -> None:
    api.register()
    for query in ({"type": "crm.partner.registered.v1"}, {"from": "yesterday"}, {"from": -1}, {"from": 10_000}):
        assert api.ask(SALES, **query).status_code == 422, query
    assert api.ask(SALES, headers={"Last-Event-ID": "x"}).status_code == 422


def test_who_was_erased_shows_as_erased(api: HttpApi) -> None:
    customer = api.register(name="Ana Lima")
    with following(api, SALES, from_=1) as before:
        assert before.take(1)[0].content["fact"]["name"] == "Ana Lima"
        api.backend.vault.erase([UUID(customer)])
        with following(api, SALES, from_=1) as stream:
            (registered,) = stream.take(1)
            assert registered.content["fact"]["name"] is None
            assert registered.content["_erased"] == ["fact.name"]


def test_a_silent_stream_is_heard_of_and_its_position_moves_on(api: HttpApi) -> None:
    api.register(name="Ana")
    with following(api, "/v1/support/facts", from_=1, type_="crm.ticket.opened.v1") as stream:
        beats = [stream.comment(), stream.comment()]
        assert [beat.comment for beat in beats] == ["heartbeat", "heartbeat"]
        assert beats[-1].number == str(api.backend.ledger.last_position())


def test_a_stream_ends_when_its_key_is_revoked(api: HttpApi) -> None:
    with following(api, SALES, role=Role.SALES) as stream:
        stream.comment()
        access = api.key(Role.SALES)
        api.backend.do("access.revoke_key", access_id=access.access_id, hash=access.hash)
        began = time.monotonic()
        assert all(message.event is None for message in stream)
        assert time.monotonic() - began < 8


def test_who_takes_nothing_is_cut_off_and_others_are_served(api: HttpApi) -> None:
    customer = api.backend.customer(name="Ana")
    for _ in range(150):
        told = {"interaction_id": uuid7(), "customer_id": customer, "channel": "letter", "direction": "inbound"}
        api.backend.do("interaction.log", **told, content=LONG)
    host, port = api.url.removeprefix("http://").split(":")
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        lazy.connect((host, int(port)))
        key = api.key(Role.SALES).text
        lazy.sendall(f"GET {SALES}?from=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        with following(api, SALES, from_=1) as stream:
            assert len(stream.take(151)) == 151
        time.sleep(2.5)  # more than `stalled_s`
        received = b"".join(iter(lambda: lazy.recv(65_536), b""))
    assert len(received) < 150 * len(LONG)
    assert not received.endswith(b"0\r\n\r\n")


def test_streams_are_ended_when_the_server_is(databases: Databases) -> None:
    said: list[str | None] = []
    with served(databases) as api, following(api, SALES) as facts:
        facts.comment()
        reading = threading.Thread(target=lambda: said.extend(message.comment for message in facts))
        reading.start()
        api.stopping.set()
        reading.join(5)
        assert said[-1] == "the server ends, come again"


def test_only_so_many_streams_are_open_at_once(databases: Databases) -> None:
    with served(databases, streams=Streams(Room(1))) as api:
        with following(api, SALES) as stream:
            stream.comment()
            assert api.ask(SALES).json()["code"] == "overloaded"
        time.sleep(0.3)
        with following(api, SALES) as stream:
            stream.comment()


def test_nobody_takes_all_the_streams_there_are(databases: Databases) -> None:
    with served(databases, streams=Streams(Room(2, 1))) as api, following(api, SALES) as stream:
        stream.comment()
        refused = api.ask(SALES)
        assert (refused.status_code, refused.json()["code"]) == (429, "crowding")
        with following(api, SALES, role=Role.SALES) as other:
            other.comment()


def test_the_head_of_a_stream_ends(api: HttpApi) -> None:
    told = api.client.head(SALES, headers={"Authorization": f"Bearer {api.key(Role.SALES).text}"})
    assert (told.status_code, told.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")


def test_a_page_is_shown_and_then_what_changes_of_it(api: HttpApi) -> None:
    customer = api.register(name="Ana Lima")
    desk = open_deal(api, customer, title="desk")
    api.fold()
    asked: dict[str, Any] = {"role": Role.SALES, "filter": "stage=prospecting"}
    with following(api, BOARD, **asked) as stream:
        (shot,) = stream.take(1)
        page = api.ask(BOARD, **asked).json()
        assert (shot.event, shot.content["rows"], shot.content["next"]) == ("snapshot", page["rows"], page["next"])
        assert shot.id == shot.content["token"]

        open_deal(api, customer, title="chair")
        api.fold()
        (changed,) = stream.take(1)
        assert (changed.event, changed.content["gone"]) == ("changed", [])
        assert [row["title"] for row in changed.content["rows"]] == ["chair"]

        api.give(f"opportunity/{desk}/move", {"stage": "proposal"})
        api.fold()
        (changed,) = stream.take(1)
        assert (changed.content["rows"], changed.content["gone"]) == ([], [{"opportunity_id": desk}])


def test_a_page_is_gone_on_with_after_its_token_and_begun_anew_after_an_unknown_one(api: HttpApi) -> None:
    customer = api.register(name="Ana Lima")
    open_deal(api, customer, title="desk")
    api.fold()
    with following(api, BOARD) as stream:
        token = stream.take(1)[0].id
    open_deal(api, customer, title="chair")
    api.fold()
    with following(api, BOARD, last_id=token) as stream:
        (changed,) = stream.take(1)
        assert (changed.event, [row["title"] for row in changed.content["rows"]]) == ("changed", ["chair"])
    for unknown in ("made.up", "x"):
        with following(api, BOARD, last_id=unknown) as stream:
            assert stream.take(1)[0].event == "snapshot"
    with following(api, BOARD, role=Role.SALES, last_id=changed.id) as stream:
        assert stream.take(1)[0].event == "snapshot"


def test_what_depends_on_the_time_is_told_by_the_clock(databases: Databases) -> None:
    class Hasty(Limits):
        reread_s = 0.05
        tick_s = 0.2

    with served(databases, limits=Hasty()) as api:
        open_deal(api, api.register(name="Ana"), title="desk")
        api.fold()
        with following(api, BOARD) as stream:
            assert [message.event for message in stream.take(3)] == ["snapshot", "tick", "tick"]


def test_a_program_that_follows_the_topic_has_values_opened_with_its_own_role(api: HttpApi) -> None:
    customer = api.register(name="Ana Lima")
    api.give(f"customer/{customer}/add_contact", {"person_id": str(uuid7()), "name": "Leo", "minor": True})
    erased = api.register(name="Rui")
    facts = [event.fact for event in api.backend.ledger.read(0, 10)]
    values = [str(name) for fact in facts if (name := fact.model_dump().get("name"))]
    api.backend.vault.erase([UUID(erased)])
    opened = api.give("sales/open", {"values": values}, role=Role.SALES)
    assert opened.json() == {
        "values": ["Ana Lima", None, None], "_erased": ["values.2"], "_withheld": ["values.1"],
    }  # fmt: skip
    assert api.give("sales/open", {"values": values}, role=Role.SUPPORT).status_code == 403
    altered = values[0][:-4] + ("AAAA" if not values[0].endswith("AAAA") else "BBBB")
    for wrong in (altered, "s1." + "A" * 60, "s1." + "A" * 41):
        answer = api.give("sales/open", {"values": [values[0], wrong]}, role=Role.SALES)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/values"), wrong
