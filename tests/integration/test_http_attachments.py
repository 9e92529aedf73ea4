"""Files go in and out block by block, are checked on their way in, and are nobody's once their person is erased."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest

from adapters.access.api_key import ApiKey
from adapters.attachments.blocks import BLOCK_BYTES
from adapters.http.room import Room
from adapters.ids import uuid7
from adapters.postgres.erasures import PostgresErasures
from domain.access.facts import Role, Rows
from streams.eraser import Eraser
from tests.conftest import Databases
from tests.http_api import HttpApi, QuickLimits, served

PDF = b"%PDF-1.7\n" + b"a page of an offer\n" * 40
LARGE = PDF + os.urandom(2 * BLOCK_BYTES)


class FileLimits(QuickLimits):
    attachment_bytes = 3 * BLOCK_BYTES
    slowest_bytes_per_s = 1_000_000


@pytest.fixture
def api(databases: Databases) -> Iterator[HttpApi]:
    with served(databases, limits=FileLimits()) as api:
        yield api


def attach(
    api: HttpApi,
    path: str,
    content: Any,
    *,
    role: Role | ApiKey = Role.ADMINISTRATOR,
    name: str = "offer.pdf",
    kind: str = "application/pdf",
    **more: str,
) -> httpx.Response:
    key = api.key(role) if isinstance(role, Role) else role
    headers = {"Authorization": f"Bearer {key.text}", "Content-Type": kind, "Relato-File-Name": quote(name)}
    headers |= {header.replace("_", "-"): value for header, value in more.items()}
    return api.client.post(f"/v1/{path}/attachments", content=content, headers=headers)


def attached(api: HttpApi, path: str, content: bytes = PDF, **more: Any) -> str:
    answer = attach(api, path, content, **more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["ids"]["attachment_id"])


def list_of(api: HttpApi, path: str, **more: Any) -> list[dict[str, Any]]:
    answer = api.ask(f"/v1/{path}/attachments", **more)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["attachments"]
    return found


def open_ticket(api: HttpApi, customer_id: str | None = None, **fields: Any) -> str:
    given = {"customer_id": customer_id, **fields} if customer_id else fields
    answer = api.give("ticket/new/open", given)
    assert answer.status_code == 201, answer.text
    return f"ticket/{answer.json()['ids']['ticket_id']}"


def blocks_in(databases: Databases) -> int:
    with psycopg.connect(databases.owner) as db:
        row = db.execute("select count(*) from ledger.content").fetchone()
    assert row is not None
    return int(row[0])


def erase(api: HttpApi, databases: Databases) -> None:
    with closing(PostgresErasures(databases.app)) as erasures:
        Eraser(erasures, api.backend.vault, api.backend.executor).run_once()


def test_a_file_of_several_blocks_comes_out_as_it_went_in(api: HttpApi) -> None:
    ticket = open_ticket(api, api.register(name="Ana Lima"))
    attachment_id = attached(api, ticket, LARGE, name='Anhang "für" Ana €.pdf')
    (told,) = list_of(api, ticket)
    assert told["attachment_id"] == attachment_id
    assert (told["name"], told["size"]) == ('Anhang "für" Ana €.pdf', len(LARGE))
    assert told["sha256"] == hashlib.sha256(LARGE).hexdigest()
    answer = api.ask(f"/v1/{ticket}/attachments/{attachment_id}")
    assert answer.content == LARGE
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(len(LARGE))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert quote("für") in answer.headers["content-disposition"]


def test_the_head_of_a_file_tells_what_there_is_and_sends_nothing(api: HttpApi) -> None:
    ticket = open_ticket(api, api.register(name="Ana Lima"))
    path = f"/v1/{ticket}/attachments/{attached(api, ticket, LARGE)}"
    headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
    told, given = api.client.head(path, headers=headers), api.client.get(path, headers=headers)
    assert (told.status_code, told.content) == (200, b"")
    for name in ("content-length", "content-type", "content-disposition", "etag", "repr-digest"):
        assert told.headers[name] == given.headers[name]
    assert api.client.head(path).status_code == 401
    assert api.client.head(f"{path[:-4]}0000", headers=headers).status_code == 404


def test_what_is_sent_in_chunks_of_unknown_length_is_taken_too(api: HttpApi) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    answer = attach(api, customer, (LARGE[at : at + 70_001] for at in range(0, len(LARGE), 70_001)))
    found = api.ask(f"/v1/{customer}/attachments/{answer.json()['ids']['attachment_id']}")
    assert found.content == LARGE


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        (f"bytes={BLOCK_BYTES - 3}-{BLOCK_BYTES + 2}", slice(BLOCK_BYTES - 3, BLOCK_BYTES + 3)),
        ("bytes=10-99999999999", slice(10, None)),
    ],
)
def test_a_part_of_a_file_is_given_alone(api: HttpApi, asked: str, part: slice) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    path = f"/v1/{customer}/attachments/{attached(api, customer, LARGE)}"
    answer = api.ask(path, headers={"Range": asked, "Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (206, LARGE[part])
    assert answer.headers["content-range"].endswith(f"/{len(LARGE)}")
    assert api.ask(path, headers={"Range": f"bytes={len(LARGE)}-"}).status_code == 416
    assert api.ask(path, headers={"Range": "bytes=1-2,4-5"}).content == LARGE


def test_files_stand_in_the_history_without_what_opens_them(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    attached(api, open_ticket(api, customer_id), name="broken-wheel.pdf")
    answer = api.ask(f"/v1/customers/{customer_id}/history")
    fact = answer.json()["facts"][-1]
    assert fact["type"] == "crm.attachment.added.v1"
    assert fact["fact"]["name"] == "broken-wheel.pdf"
    assert fact["fact"]["manifest"].startswith("s1.")
    assert "hashes" not in answer.text


def test_neither_name_nor_content_lies_anywhere_in_clear(api: HttpApi, databases: Databases) -> None:
    attached(api, f"customer/{api.register(name='Ana Lima')}", LARGE, name="divorce.pdf")
    with psycopg.connect(databases.owner) as db:
        stored = [
            bytes(row[0]) for row in db.execute("select data from ledger.fact union select data from ledger.content")
        ]
    assert not [data for data in stored if b"divorce" in data or b"page of an offer" in data]


def test_the_same_key_and_file_again_is_the_same_attachment_and_stores_nothing(
    api: HttpApi, databases: Databases
) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    first = attach(api, customer, LARGE, Idempotency_Key="scan-1")
    count = blocks_in(databases)
    again = attach(api, customer, LARGE, Idempotency_Key="scan-1")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json()["ids"] == first.json()["ids"]
    assert blocks_in(databases) == count
    other = attach(api, customer, LARGE + b"!", Idempotency_Key="scan-1")
    assert (other.status_code, other.json()["code"]) == (422, "repeated")
    assert attach(api, customer, LARGE, Idempotency_Key="scan-1", name="b.pdf").json()["code"] == "repeated"
    path = f"/v1/{customer}/attachments/{first.json()['ids']['attachment_id']}"
    assert api.ask(path).content == LARGE
    assert len(list_of(api, customer)) == 1


def test_what_was_removed_is_gone_from_the_list_and_stays_in_the_history(api: HttpApi) -> None:
    customer_id = api.register(name="Ana Lima")
    customer = f"customer/{customer_id}"
    kept, removed = attached(api, customer), attached(api, customer, name="wrong.pdf")
    answer = api.give(f"attachment/{removed}/remove", {"reason": "another customer's"})
    assert answer.status_code == 201
    assert api.give(f"attachment/{removed}/remove").status_code == 200
    assert [one["attachment_id"] for one in list_of(api, customer)] == [kept]
    assert api.ask(f"/v1/{customer}/attachments/{removed}").json()["code"] == "removed"
    types = [fact["type"] for fact in api.ask(f"/v1/customers/{customer_id}/history").json()["facts"]]
    assert types[-2:] == ["crm.attachment.added.v1", "crm.attachment.removed.v1"]


def test_a_list_goes_on_where_the_page_before_ended(api: HttpApi) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    ids = [attached(api, customer, name=f"{n}.pdf") for n in range(3)]
    first = api.ask(f"/v1/{customer}/attachments", limit=2).json()
    second = api.ask(f"/v1/{customer}/attachments", limit=2, after=first["next"]).json()
    assert [one["attachment_id"] for page in (first, second) for one in page["attachments"]] == ids
    assert second["next"] is None


def test_erasing_the_person_makes_the_file_unreadable(api: HttpApi, databases: Databases) -> None:
    customer_id = api.register(name="Ana Lima")
    ticket = open_ticket(api)  # anonymous: its file is sealed for nobody known yet
    attachment_id = attached(api, ticket, LARGE)
    api.give(f"{ticket}/identify_customer", {"customer_id": customer_id})
    assert api.ask(f"/v1/{ticket}/attachments/{attachment_id}").content == LARGE
    api.give(f"customer/{customer_id}/erase")
    erase(api, databases)
    gone = api.ask(f"/v1/{ticket}/attachments/{attachment_id}")
    assert (gone.status_code, gone.json()["code"]) == (410, "erased")
    (told,) = list_of(api, ticket)
    assert (told["name"], told["_erased"]) == (None, ["name", "sha256"])
    assert attach(api, ticket, PDF).status_code == 410


class WatchfulLimits(FileLimits):
    attachment_bytes = 40 * BLOCK_BYTES
    reopened_s = 0.0  # before every block


def begin_to_read(api: HttpApi, path: str, key: ApiKey) -> socket.socket:
    """The head of the answer alone is read, and little fits in between."""
    url = urlsplit(api.url)
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    caller.settimeout(10)
    caller.connect((url.hostname, url.port))
    caller.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key.text}\r\n\r\n".encode()
    )
    assert caller.recv(15) == b"HTTP/1.1 200 OK"
    return caller


def read_on(caller: socket.socket) -> int:
    """How many bytes come until the connection ends."""
    count = 0
    with closing(caller), suppress(ConnectionResetError):
        while part := caller.recv(1 << 16):
            count += len(part)
    return count


@pytest.mark.parametrize("ending", ["erased", "removed", "revoked", "none"])
def test_who_reads_slowly_is_cut_off_once_the_file_is_not_theirs_to_read(databases: Databases, ending: str) -> None:
    with served(databases, limits=WatchfulLimits()) as api:
        customer_id, key = api.register(name="Ana Lima"), api.admit(Role.SALES)
        attachment_id = attached(api, f"customer/{customer_id}", content := PDF + bytes(39 * BLOCK_BYTES))
        caller = begin_to_read(api, f"/v1/customer/{customer_id}/attachments/{attachment_id}", key)
        if ending == "erased":
            api.give(f"customer/{customer_id}/erase")
            erase(api, databases)
        elif ending == "removed":
            api.give(f"attachment/{attachment_id}/remove")
        elif ending == "revoked":
            api.backend.do("access.revoke_key", access_id=key.access_id, hash=key.hash)
            wait_until_refused(api, key)
        count = read_on(caller)
    assert (count > len(content)) if ending == "none" else (count < len(content) // 2)


def wait_until_refused(api: HttpApi, key: ApiKey) -> None:
    """Keys are remembered for a moment."""
    deadline = time.monotonic() + 10
    while api.ask("/v1/sales/pipeline", role=key).status_code != 401:
        assert time.monotonic() < deadline


def test_a_customer_who_was_merged_away_gets_no_files_any_more(api: HttpApi) -> None:
    gone, survivor = api.register(name="A. Lima"), api.register(name="Ana Lima")
    api.give(f"customer/{gone}/merge", {"into_id": survivor})
    assert attach(api, f"customer/{gone}", PDF).json()["code"] == "merged"


@pytest.mark.parametrize("what", ["customer", "interaction", "opportunity", "contract", "order", "ticket"])
def test_a_file_is_attached_to_what_is_there_and_read_where_it_is(api: HttpApi, what: str) -> None:
    assert attach(api, f"{what}/{uuid7()}", PDF).status_code == 404
    customer_id = api.register(name="Ana Lima")
    if what != "ticket":  # another kind of thing under that id
        assert attach(api, f"{what}/{open_ticket(api).partition('/')[2]}", PDF).status_code == 404
    made = {
        "customer": lambda: customer_id,
        "interaction": lambda: begin("interaction", "take_note", customer_id=customer_id, kind="factual", content="x"),
        "opportunity": lambda: begin("opportunity", "open", title="Chairs"),
        "contract": lambda: begin("contract", "sign", customer_id=customer_id, number="1", starts_on="2026-01-01"),
        "order": lambda: begin("order", "place", number="1", currency="EUR", lines=[
            {"product_id": str(uuid7()), "quantity": 1, "amount_minor": 1}]),
        "ticket": lambda: begin("ticket", "open"),
    }  # fmt: skip

    def begin(aggregate: str, verb: str, **fields: Any) -> str:
        answer = api.give(f"{aggregate}/new/{verb}", fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ids"][f"{aggregate}_id"])

    path = f"{what}/{made[what]()}"
    attachment_id = attached(api, path)
    assert api.ask(f"/v1/{path}/attachments/{attachment_id}").content == PDF
    elsewhere = f"customer/{api.register(name='B')}"
    assert api.ask(f"/v1/{elsewhere}/attachments/{attachment_id}").status_code == 404


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("text/html", b"<script>", "file-type"),
        ("image/svg+xml", b"<svg/>", "file-type"),
        ("application/x-dosexec", b"MZ", "file-type"),
        ("", PDF, "file-type"),
        ("application/pdf", b"MZ\x90\0\3" + b"\0" * 900, "content-mismatch"),
        ("image/png", PDF, "content-mismatch"),
        ("text/plain", b"a\0b", "content-mismatch"),
        ("application/pdf", b"x", "content-mismatch"),
    ],
)
def test_a_file_of_another_type_is_refused_and_leaves_nothing(
    api: HttpApi, databases: Databases, kind: str, content: bytes, code: str
) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    answer = attach(api, customer, content, kind=kind)
    assert (answer.status_code, answer.json()["code"]) == (415, code)
    assert (list_of(api, customer), blocks_in(databases)) == ([], 0)


def test_what_a_browser_might_run_leaves_as_bytes(api: HttpApi) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    attachment_id = attached(api, customer, b"{\\rtf1 hi}", kind="application/rtf; charset=x", name="a.rtf")
    answer = api.ask(f"/v1/{customer}/attachments/{attachment_id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("is_told", [True, False])
def test_a_file_that_is_too_large_is_refused_and_found_by_nobody(api: HttpApi, is_told: bool) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    content = PDF + bytes(FileLimits.attachment_bytes)
    answer = attach(api, customer, content if is_told else iter([content[:9_000], content[9_000:]]))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert list_of(api, customer) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "a\\b", "%00.pdf", "%ff.pdf", "x" * 300, "%20"])
def test_a_name_that_leads_elsewhere_is_none(api: HttpApi, name: str) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    assert attach(api, customer, PDF, Relato_File_Name=name).status_code == 422


def test_an_empty_file_is_none_and_a_wrong_digest_is_noticed(api: HttpApi) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    assert attach(api, customer, b"").status_code == 422
    right = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
    assert attach(api, customer, PDF + b"!", Content_Digest=f"sha-256=:{right}:").json()["code"] == "digest"
    assert attach(api, customer, PDF, Content_Digest=f"sha-256=:{right}:").status_code == 201


def send_raw(api: HttpApi, customer: str, length: int) -> socket.socket:
    url = urlsplit(api.url)
    assert url.hostname
    assert url.port
    caller = socket.create_connection((url.hostname, url.port), timeout=10)
    caller.sendall(
        f"POST /v1/{customer}/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key(Role.SALES).text}\r\n"
        f"Content-Type: application/pdf\r\nRelato-File-Name: a.pdf\r\nContent-Length: {length}\r\n\r\n".encode()
    )
    return caller


def test_who_says_more_than_they_send_leaves_nothing(api: HttpApi) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    with closing(send_raw(api, customer, len(LARGE) + 1)) as caller:
        caller.sendall(LARGE)
        caller.shutdown(socket.SHUT_WR)
        caller.recv(1_000)
    assert list_of(api, customer) == []


def test_who_stalls_or_drips_is_cut_off(api: HttpApi) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    with closing(send_raw(api, customer, len(LARGE))) as caller:
        caller.sendall(LARGE[:1_000])
        head, _, body = caller.recv(10_000).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        assert json.loads(body or caller.recv(10_000))["code"] == "too-slow"
    assert list_of(api, customer) == []


def test_only_so_many_files_are_on_their_way_at_once(databases: Databases) -> None:
    transfers = Room(1)
    with served(databases, limits=FileLimits(), transfers=transfers) as api:
        customer = f"customer/{api.register(name='Ana Lima')}"
        paths = [f"/v1/{customer}/attachments/{attached(api, customer)}" for _ in range(2)]
        with transfers.taken_by("somebody else"):
            refused = [attach(api, customer, PDF), api.ask(paths[0])]
        assert [(one.status_code, one.headers["retry-after"]) for one in refused] == [(503, "1")] * 2
        assert attach(api, customer, PDF).status_code == 201


def test_a_block_that_is_changed_swapped_or_missing_is_noticed(api: HttpApi, databases: Databases) -> None:
    customer = f"customer/{api.register(name='Ana Lima')}"
    path = f"/v1/{customer}/attachments/{attached(api, customer, LARGE)}"
    with psycopg.connect(databases.owner, autocommit=True) as db:
        db.execute("update ledger.content set data = set_byte(data, 9, (get_byte(data, 9) + 1) % 256)")
        assert api.ask(path).status_code == 500
        db.execute("delete from ledger.content")
    assert api.ask(path).status_code == 503


def test_a_seller_reads_no_tickets_files_and_one_with_own_rows_only_their_customers(api: HttpApi) -> None:
    seller_id = uuid7()
    mine = f"customer/{api.register(name='Ana Lima', seller_id=str(seller_id))}"
    other = f"customer/{api.register(name='Rui Costa')}"
    for customer in (mine, other):
        attached(api, customer)
    api.fold()
    seller = api.admit(Role.SALES, acts_as=seller_id, scope=Rows.OWN)
    assert len(list_of(api, mine, role=seller)) == 1
    assert api.ask(f"/v1/{other}/attachments", role=seller).status_code == 404
    ticket = open_ticket(api)
    attachment_id = attached(api, ticket)
    assert api.ask(f"/v1/{ticket}/attachments", role=Role.SALES).status_code == 403
    assert api.ask(f"/v1/{ticket}/attachments/{attachment_id}", role=Role.SALES).status_code == 403
    assert api.ask(f"/v1/{ticket}/attachments/{attachment_id}", role=Role.SUPPORT).content == PDF


def test_who_could_not_list_a_file_neither_removes_nor_adds_one(api: HttpApi) -> None:
    seller_id = uuid7()
    mine = f"customer/{api.register(name='Ana Lima', seller_id=str(seller_id))}"
    other = f"customer/{api.register(name='Rui Costa')}"
    ticket = open_ticket(api)
    removals = {path: f"attachment/{attached(api, path)}/remove" for path in (mine, other, ticket)}
    api.fold()
    seller = api.admit(Role.SALES, acts_as=seller_id, scope=Rows.OWN)
    for path, status in ((ticket, 403), (other, 404)):
        assert attach(api, path, PDF, role=seller).status_code == status
        answer = api.give(removals[path], role=seller)
        assert (answer.status_code, other.partition("/")[2] in answer.text) == (status, False)
        batch = {"commands": [{"command": "attachment.remove", "id": removals[path].split("/")[1], "key": path}]}
        assert api.give("batch", batch, role=seller).json()["verdicts"][0]["status"] == status
        assert len(list_of(api, path)) == 1
    assert api.give(removals[ticket], role=Role.MARKETING).status_code == 403
    assert api.give(f"attachment/{uuid7()}/remove", role=seller).json()["code"] == "unknown"
    assert attach(api, mine, PDF, role=seller).status_code == 201
    assert api.give(removals[mine], role=seller).status_code == 201


def test_who_reads_a_file_is_noted_before_its_first_byte(api: HttpApi, databases: Databases) -> None:
    customer_id = api.register(name="Ana Lima")
    attachment_id = attached(api, f"customer/{customer_id}", LARGE)
    api.ask(f"/v1/customer/{customer_id}/attachments/{attachment_id}", headers={"Range": "bytes=0-0"})
    with psycopg.connect(databases.owner) as db:
        rows = db.execute("select route, persons from access.reading").fetchall()
    assert rows == [("/v1/customer/{id}/attachments/{attachment_id}", [UUID(customer_id)])]


def test_nobody_adds_an_attachment_by_a_command(api: HttpApi) -> None:
    assert api.give(f"attachment/{uuid7()}/add_to_ticket").json()["code"] == "unknown-command"
    batch = {"commands": [{"command": "attachment.add_to_ticket", "id": "new", "with": {}}]}
    assert api.give("batch", batch).json()["verdicts"][0]["code"] == "unknown-command"
