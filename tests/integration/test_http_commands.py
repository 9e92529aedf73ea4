"""Commands over HTTP: every one that is registered, once, at a version, or refused as a problem."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest

from adapters.http.commands import by_path
from adapters.http.examples import example_of
from adapters.ids import uuid7
from domain.access.facts import Role
from domain.catalogue import REGISTRY
from tests.conftest import Databases
from tests.http_api import HttpApi, served


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases) as api:
        yield api


def test_a_command_is_recorded_and_answers_where(api: HttpApi) -> None:
    customer_id = uuid7()
    answer = api.give(f"customer/{customer_id}/register", {"name": "Ana Lima", "country": "PT"})
    assert answer.status_code == 201
    told = answer.json()
    assert told["command"] == "customer.register"
    assert told["ids"] == {"customer_id": str(customer_id)}
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["relato-token"] == told["token"]
    [event] = api.backend.ledger.read(told["positions"][0] - 1, 1)
    assert (event.type, event.stream_id) == ("crm.customer.registered.v1", customer_id)
    assert event.actor == str(api.key(Role.ADMINISTRATOR).access_id)


def test_an_id_is_made_when_none_is_named_and_persons_have_one_too(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    answer = api.give(f"customer/{customer_id}/add_contact", {"name": "Rui"})
    assert answer.json()["ids"].keys() == {"customer_id", "person_id"}


def test_a_repeat_with_the_same_key_happens_once(api: HttpApi) -> None:
    first = api.give("customer/new/register", {"name": "Ana Lima"}, Idempotency_Key="one")
    again = api.give("customer/new/register", {"name": "Ana Lima"}, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["repeated"]
    assert again.headers["idempotency-replayed"] == "true"
    same = ("ids", "positions", "token", "version")
    assert [again.json()[part] for part in same] == [first.json()[part] for part in same]
    assert again.headers["etag"] == first.headers["etag"] == '"1"'


def test_another_content_under_a_used_key_is_refused(api: HttpApi) -> None:
    api.give("customer/new/register", {"name": "Ana Lima"}, Idempotency_Key="one")
    other = api.give("customer/new/register", {"name": "Rui"}, Idempotency_Key="one")
    assert (other.status_code, other.json()["code"]) == (422, "repeated")


def test_another_principal_with_the_same_key_gets_nothing_of_mine(api: HttpApi) -> None:
    body = {"name": "Ana Lima"}
    mine = api.give("customer/new/register", body, Idempotency_Key="one")
    theirs = api.give("customer/new/register", body, role=Role.SALES, Idempotency_Key="one")
    assert theirs.status_code == 201
    assert theirs.json()["command_id"] != mine.json()["command_id"]
    assert theirs.json()["ids"] != mine.json()["ids"]
    other = api.give("customer/new/register", {"name": "Rui"}, role=Role.SUPPORT, Idempotency_Key="one")
    assert other.status_code == 201, "nor is told that the key is taken"


def test_another_principal_with_the_same_key_and_the_same_id_is_told_what_anybody_is_told(api: HttpApi) -> None:
    path, body = f"customer/{uuid7()}/register", {"name": "Ana Lima"}
    api.give(path, body, Idempotency_Key="one")
    with_my_key = api.give(path, body, role=Role.SALES, Idempotency_Key="one")
    with_theirs = api.give(path, body, role=Role.SALES, Idempotency_Key="two")
    assert with_my_key.status_code == with_theirs.status_code == 409
    assert with_my_key.json() == with_theirs.json()


def test_another_principal_with_the_same_keys_of_a_batch_gets_nothing_of_mine(api: HttpApi) -> None:
    body = {"name": "Ana Lima"}
    register = {"command": "customer.register", "with": body}
    batch = {"commands": [register, register | {"key": "its own"}]}
    mine = api.give("batch", batch, Idempotency_Key="many").json()["verdicts"]
    theirs = api.give("batch", batch, role=Role.SALES, Idempotency_Key="many").json()["verdicts"]
    alone = api.give("customer/new/register", body, role=Role.SUPPORT, Idempotency_Key="its own").json()
    assert [verdict["status"] for verdict in (*mine, *theirs)] == [201] * 4
    told = [*mine, *theirs, alone]
    assert len({verdict["command_id"] for verdict in told}) == len({str(verdict["ids"]) for verdict in told}) == 5
    assert not any(verdict["repeated"] for verdict in told)
    again = api.give("batch", batch, Idempotency_Key="many").json()["verdicts"]
    assert [verdict["positions"] for verdict in again] == [verdict["positions"] for verdict in mine]


def test_a_body_that_was_lost_makes_nothing_new(api: HttpApi) -> None:
    def send(path: str, content: bytes) -> int:
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        return api.client.post(f"/v1/{path}", content=content, headers=headers).status_code

    customer_id = api.register(name="Ana Lima")
    assert send("customer/new/register", b"") == 400
    assert send("customer/new/register", b"{}") == 201
    assert send(f"customer/{customer_id}/erase", b"") == 201


@pytest.mark.parametrize("path", ["customer/new/register", "batch", "sales/open", "mappings"])
def test_a_packed_body_is_refused_whatever_is_in_it(api: HttpApi, path: str) -> None:
    body = gzip.compress(b'{"name": "Ana Lima"}')
    for encoding in ("gzip", "br, gzip"):
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}", "Content-Encoding": encoding}
        answer = api.client.post(f"/v1/{path}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "packed")


def test_a_stream_that_has_moved_on_is_not_written(api: HttpApi) -> None:
    path = f"customer/{api.register(name='Ana Lima')}/amend"
    assert api.give(path, {"country": "PT"}, If_Match='"1"').headers["etag"] == '"2"'
    stale = api.give(path, {"country": "ES"}, If_Match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "version")
    assert stale.json()["details"] == {"expected": 1, "actual": 2}
    assert api.give(path, {"country": "PT"}).status_code == 200  # nothing had to change
    assert api.give(path, {}, If_None_Match="*").status_code == 412


WRONG: list[tuple[str, object, int, str]] = [
    ("customer/new/amend", {"country": "PT"}, 404, "unknown"),
    ("customer/new/delete", {}, 404, "unknown-command"),
    ("customer/17/register", {}, 422, "body"),
    ("customer/new/register", {"nam": "Ana"}, 422, "body"),
    ("customer/new/register", {"customer_id": str(uuid4())}, 422, "body"),
    ("customer/new/register", [], 400, "malformed"),
    ("opportunity/new/open", {"amount": "10 XXX"}, 422, "body"),
    ("nothing/new/open", {}, 404, "no-route"),
]


def test_what_is_wrong_is_told_as_a_problem(api: HttpApi) -> None:
    for path, body, status, code in WRONG:
        answer = api.give(path, body)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
        assert api.client.get(answer.json()["type"]).json()["status"] == status


def test_a_wrong_field_is_named_by_its_place_and_its_value_is_not_repeated(api: HttpApi) -> None:
    lines = [{"product_id": str(uuid4()), "quantity": 1, "amount_minor": "secret"}]
    answer = api.give("order/new/place", {"number": "17", "currency": "EUR", "lines": lines})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/lines/0/amount_minor"]
    assert "secret" not in answer.text


def test_a_header_that_says_nothing_is_refused(api: HttpApi) -> None:
    for header, value in (
        ("If_Match", "7"),
        ("If_None_Match", "x"),
        ("Relato_Occurred_At", "x"),
        ("Idempotency_Key", ""),
    ):
        assert api.give("customer/new/register", {}, **{header: value}).json()["code"] == "header"


def test_a_fact_is_dated_when_it_was_true(api: HttpApi) -> None:
    answer = api.give("customer/new/register", {}, Relato_Occurred_At="2024-02-29T12:00:00+01:00")
    [event] = api.backend.ledger.read(answer.json()["positions"][0] - 1, 1)
    assert event.occurred_at.isoformat() == "2024-02-29T11:00:00+00:00"
    naive = api.give("customer/new/register", {}, Relato_Occurred_At="2024-02-29T12:00:00")
    assert naive.json()["code"] == "naive-time"


def test_a_time_that_could_not_be_read_back_is_refused_before_anything_is_written(api: HttpApi) -> None:
    customer_id, at = api.register(name="Ana Lima"), "0001-01-01T00:00:00+14:00"
    last = api.backend.ledger.last_position()
    alone = api.give(f"customer/{customer_id}/note_need", {"need": "roof"}, Relato_Occurred_At=at)
    assert (alone.status_code, alone.json()["code"]) == (422, "too-long-ago")
    one = {"command": "customer.note_need", "id": str(customer_id), "with": {"need": "roof"}, "occurred_at": at}
    (verdict,) = api.give("batch", {"commands": [one]}).json()["verdicts"]
    assert (verdict["status"], verdict["code"]) == (422, "too-long-ago")
    for field in ("valid_from", "valid_until"):
        for beyond in (at, "9999-12-31T23:59:59-14:00", "2026", 2026):
            said = {"purpose": "service", "channel": "email", field: beyond}
            refused = api.give(f"customer/{customer_id}/give_consent", said)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"#/{field}")
    assert api.backend.ledger.last_position() == last


def test_a_media_type_is_json_in_capitals_too(api: HttpApi) -> None:
    assert api.give("customer/new/register", {"name": "Ana"}, Content_Type="APPLICATION/JSON").status_code == 201


def test_who_may_change_nothing_is_refused(api: HttpApi) -> None:
    for role in (Role.AUDITOR, Role.PARTNER):
        answer = api.give("customer/new/register", {}, role=role)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")


def test_only_administrators_say_who_may_do_what(api: HttpApi) -> None:
    assert api.give("access/new/admit", {}, role=Role.MANAGEMENT).status_code == 403
    assert api.give("access/new/admit", {}).status_code == 201


def test_a_batch_has_a_verdict_for_each_and_may_be_repeated(api: HttpApi) -> None:
    batch = {
        "commands": [
            {"command": "customer.register", "id": (customer_id := str(uuid7())), "with": {"name": "Ana Lima"}},
            {"command": "customer.note_need", "id": customer_id, "with": {"need": "chairs"}},
            {"command": "customer.register", "id": customer_id},
            {"command": "customer.forget", "id": customer_id},
            {"command": "customer.amend", "id": customer_id, "with": {"name": 7}},
        ]
    }
    verdicts = api.give("batch", batch, Idempotency_Key="many").json()["verdicts"]
    assert [verdict["status"] for verdict in verdicts] == [201, 201, 409, 404, 422]
    again = api.give("batch", batch, Idempotency_Key="many").json()["verdicts"]
    assert [verdict["status"] for verdict in again] == [200, 200, 409, 404, 422]
    assert again[0]["positions"] == verdicts[0]["positions"]


def test_every_example_of_the_document_is_understood(api: HttpApi) -> None:
    for (aggregate, verb), registration in by_path(REGISTRY).items():
        answer = api.give(f"{aggregate}/new/{verb}", example_of(registration))
        assert answer.status_code in {201, 404, 409}, (registration.command.NAME, answer.text)


def test_a_body_that_is_too_large_or_of_another_kind_is_refused(api: HttpApi) -> None:
    assert api.give("customer/new/register", {"name": "x" * 200_000}).status_code == 413
    assert api.give("batch", {"commands": [], "x": "x" * 200_000}).status_code == 413
    assert api.give("customer/new/register", {}, Content_Type="text/plain").status_code == 415


def test_a_body_that_stalls_is_cut_off(api: HttpApi) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    key = api.key(Role.ADMINISTRATOR).text
    with socket.create_connection((host, int(port)), timeout=10) as caller:
        head = f"POST /v1/customer/new/register HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        caller.sendall(f"{head}Content-Length: 20\r\n\r\n{{".encode())
        assert b" 408 " in caller.recv(4096).splitlines()[0]


def test_json_that_is_none_is_refused_not_guessed(api: HttpApi) -> None:
    infinite = (b'{"n": 1e999}', b'{"n": -1E+400}', b'{"n": %s.0}' % (b"9" * 400))
    for body in (*infinite, b"{", b'{"name": NaN}', b"\xff", b'{"name": "\\ud800"}', b"[" * 10_000):
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        answer = api.client.post("/v1/customer/new/register", content=body, headers=headers)
        assert answer.status_code == 400, json.dumps(answer.text)
