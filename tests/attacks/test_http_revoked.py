"""Who may no longer is told nothing more and does nothing more, whatever was under way when their key was revoked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from adapters.access.api_key import ApiKey
from adapters.http.issuer_keys import STALE_S, IssuerKeys
from adapters.http.oidc import SKEW_S, Bearers, OidcTokens, Trust
from adapters.http.room import Room
from adapters.http.sse import Streams
from adapters.http.workers import Workers
from domain.access.facts import Held, Role
from tests.conftest import Databases
from tests.feeding import ORDERS, agree, enter_all, partner, place, product, terms
from tests.http_api import HttpApi, QuickLimits, served
from tests.issuing_tokens import AUDIENCE, issuer

PATIENCE_S = 10.0
ADMITTED_S = 0.3  # in which who asked is let in
PIECE = b"%PDF-1.7\n" + bytes(1_000)


class Watchful(QuickLimits):
    body_s = 5.0
    reopened_s = 0.0
    slowest_bytes_per_s = 1_000
    stalled_s = 20.0


def revoke(api: HttpApi, key: ApiKey) -> None:
    """And waits until it opens nothing: keys are remembered for a moment."""
    api.backend.do("access.revoke_key", access_id=key.access_id, hash=key.hash)
    deadline = time.monotonic() + PATIENCE_S
    while api.ask("/v1/sales/pipeline", role=key).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def call(api: HttpApi, method: str, path: str, key: ApiKey | str, *lines: str) -> socket.socket:
    url = urlsplit(api.url)
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)  # little of an answer lies in between
    caller.settimeout(PATIENCE_S)
    caller.connect((url.hostname, url.port))
    text = key if isinstance(key, str) else key.text
    head = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Authorization: Bearer {text}", *lines]
    caller.sendall("\r\n".join([*head, "", ""]).encode())
    return caller


def read_on(caller: socket.socket) -> bytes:
    found = bytearray()
    with closing(caller), suppress(ConnectionResetError):
        while part := caller.recv(1 << 16):
            found += part
    return bytes(found)


def read_until(caller: socket.socket, told: bytes) -> None:
    found = b""
    while told not in found:
        part = caller.recv(1 << 16)
        assert part, found
        found += part


@contextmanager
def hammering(ask: Callable[[], Any]) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            ask()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Guarded(QuickLimits):
    failures_per_minute = 3


def test_who_guesses_does_not_keep_the_streams_of_a_revoked_key_alive(databases: Databases) -> None:
    with served(databases, limits=Guarded()) as api:
        api.register(name="Ana Lima")
        key = api.admit(Role.SALES)
        caller = call(api, "GET", "/v1/sales/facts?from=1", key)
        read_until(caller, b"Ana Lima")
        api.backend.do("access.revoke_key", access_id=key.access_id, hash=key.hash)
        with hammering(lambda: api.ask("/v1/customers/no", role=key)):
            time.sleep(1.5)  # keys are remembered for a moment
            api.register(name="Rui Costa")
            told = read_on(caller)
    assert b"Rui Costa" not in told
    assert told.endswith(b"0\r\n\r\n")


class Rationed(QuickLimits):
    requests_per_s = 5.0


def test_who_asks_too_often_does_not_keep_streams_that_their_roles_no_longer_open(databases: Databases) -> None:
    with served(databases, limits=Rationed()) as api:
        key = api.admit(Role.SALES)
        caller = call(api, "GET", "/v1/sales/facts?from=1", key)
        read_until(caller, b"heartbeat")
        with hammering(lambda: api.ask("/v1/customers/no", role=key)):
            api.backend.do("access.revoke_role", access_id=key.access_id, role=Role.SALES)
            time.sleep(1.5)
            api.backend.customer(name="Rui Costa")
            told = read_on(caller)
    assert b"Rui Costa" not in told


def test_who_asks_often_keeps_the_streams_that_are_theirs(databases: Databases) -> None:
    with served(databases, limits=Rationed()) as api:
        key = api.admit(Role.SALES)
        with closing(call(api, "GET", "/v1/sales/facts?from=1", key)) as caller:
            with hammering(lambda: api.ask("/v1/customers/no", role=key)):
                time.sleep(1.0)
            api.backend.customer(name="Rui Costa")
            read_until(caller, b"Rui Costa")


@pytest.mark.parametrize("ending", ["revoked", "none"])
def test_who_waits_at_a_feed_is_told_nothing_once_the_key_is_revoked(databases: Databases, ending: str) -> None:
    with served(databases) as api, ThreadPoolExecutor(1) as pool:
        partner_id = partner(api.backend)
        feed = agree(api.backend, partner_id, terms(ORDERS, scope="supplier"))
        jar, key = product(api.backend, partner_id), api.admit(Role.PARTNER, acts_as=partner_id)
        enter_all(databases.app)
        waiting = pool.submit(api.ask, f"/v1/feeds/{feed}", role=key, wait=20)
        time.sleep(0.3)
        if ending == "revoked":
            revoke(api, key)
        place(api.backend, api.backend.customer(), jar)
        enter_all(databases.app)
        told = waiting.result().json()
    assert len(told["events"]) == (ending == "none")
    assert told["next"] == (ending == "none")


def test_who_waits_at_feeds_takes_room_as_streams_do(databases: Databases) -> None:
    with served(databases, streams=Streams(Room(5, 1))) as api, ThreadPoolExecutor(1) as pool:
        partner_id = partner(api.backend)
        feed = agree(api.backend, partner_id)
        key = api.admit(Role.PARTNER, acts_as=partner_id)
        waiting = pool.submit(api.ask, f"/v1/feeds/{feed}", role=key, wait=2)
        time.sleep(0.5)
        refused = api.ask(f"/v1/feeds/{feed}", role=key, wait=2)
        assert (refused.status_code, refused.json()["code"]) == (429, "crowding")
        assert api.ask(f"/v1/feeds/{feed}", role=key).status_code == 200
        assert api.ask(f"/v1/feeds/{feed}", wait=1).status_code == 200
        assert waiting.result().status_code == 200


def send_on(caller: socket.socket, most: int) -> bytes:
    """Sends piece by piece until it is answered; what is answered."""
    caller.settimeout(0.02)
    for _ in range(most):
        with suppress(TimeoutError):
            if found := caller.recv(1 << 16):
                caller.settimeout(PATIENCE_S)
                with suppress(ConnectionResetError):
                    return found + read_on(caller)
                return found
        caller.sendall(PIECE)
    raise AssertionError("it is taken on and on")


def test_who_sends_a_file_is_stopped_once_the_key_is_revoked(databases: Databases) -> None:
    with served(databases, limits=Watchful()) as api:
        path, key = f"/v1/customer/{api.register(name='Ana Lima')}/attachments", api.admit(Role.SALES)
        lines = ("Content-Type: application/pdf", "Relato-File-Name: a.pdf", "Content-Length: 50000000")
        caller = call(api, "POST", path, key, *lines)
        caller.sendall(PIECE)
        time.sleep(ADMITTED_S)
        revoke(api, key)
        head, _, body = send_on(caller, 1_000).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403")
        assert json.loads(body)["code"] == "not-allowed"
        assert api.ask(path).json()["attachments"] == []


def test_who_sends_the_last_of_a_file_after_the_key_was_revoked_attaches_nothing(databases: Databases) -> None:
    class Rarely(Watchful):
        reopened_s = 60.0

    with served(databases, limits=Rarely()) as api:
        path, key = f"/v1/customer/{api.register(name='Ana Lima')}/attachments", api.admit(Role.SALES)
        lines = ("Content-Type: application/pdf", "Relato-File-Name: a.pdf", f"Content-Length: {2 * len(PIECE)}")
        caller = call(api, "POST", path, key, *lines)
        caller.sendall(PIECE)
        time.sleep(ADMITTED_S)
        revoke(api, key)
        caller.sendall(PIECE)
        assert read_on(caller).startswith(b"HTTP/1.1 403")
        assert api.ask(path).json()["attachments"] == []


def test_who_sent_much_at_once_does_not_stall_for_it(databases: Databases) -> None:
    with served(databases, limits=Watchful()) as api:  # 5 s for a body, and one more for each 1,000 bytes
        path, key = f"/v1/customer/{api.register(name='Ana Lima')}/attachments", api.admit(Role.SALES)
        lines = ("Content-Type: application/pdf", "Relato-File-Name: a.pdf", "Content-Length: 500000")
        caller, began = call(api, "POST", path, key, *lines), time.monotonic()
        caller.sendall(PIECE * 100)
        assert read_on(caller).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 9


MAPPING = """
language = 1
source = "shop"
title = "The shop's customers"

[files.customers]
identity = [{ column = "number" }]

[[rules]]
name = "customer"
command = "customer.register"

[rules.fields]
customer_id = { id = "shop-customer", of = [{ column = "number" }] }
name = { column = "name" }
"""


def keep_mapping(api: HttpApi) -> str:
    headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
    return str(api.client.post("/v1/mappings", content=MAPPING.encode(), headers=headers).json()["mapping"])


def test_who_sends_an_import_is_stopped_once_the_key_is_revoked_and_others_may_import(databases: Databases) -> None:
    with served(databases, limits=Watchful()) as api:
        path = f"/v1/imports?mapping={keep_mapping(api)}&name=a.csv"
        key = api.admit(Role.ADMINISTRATOR)
        caller = call(api, "POST", path, key, "Content-Length: 50000000")
        caller.sendall(b"number,name\n")
        time.sleep(ADMITTED_S)
        revoke(api, key)
        assert send_on(caller, 1_000).startswith(b"HTTP/1.1 403")
        assert api.ask("/v1/imports").json()["imports"] == []
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        assert api.client.post(path, content=b"number,name\n1,Ana\n", headers=headers).status_code == 202


@pytest.mark.parametrize("ending", ["revoked", "none"])
def test_who_reads_rejects_slowly_is_cut_off_once_the_key_is_revoked(
    databases: Databases, tmp_path: Path, ending: str
) -> None:
    with served(databases, home=tmp_path, limits=Watchful()) as api:
        headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
        path = f"/v1/imports?mapping={keep_mapping(api)}&name=a.csv"
        import_id = api.client.post(path, content=b"number,name\n1,\n", headers=headers).json()["import_id"]
        while api.ask(f"/v1/imports/{import_id}").json()["ended_at"] is None:
            time.sleep(0.1)
        (tmp_path / "imports" / str(UUID(import_id)) / "rejects.csv").write_bytes(rows := b"1,\r\n" * 4_000_000)
        key = api.admit(Role.ADMINISTRATOR)
        caller = call(api, "GET", f"/v1/imports/{import_id}/rejects", key)
        assert caller.recv(12) == b"HTTP/1.1 200"
        if ending == "revoked":
            revoke(api, key)
        count = len(read_on(caller))
    assert (count > len(rows)) if ending == "none" else (count < len(rows) // 2)


def test_a_stream_ends_with_its_token_though_the_issuer_is_away(databases: Databases) -> None:
    with issuer() as signing, closing(Workers(2)) as workers:
        passed_s = 0.0
        keys = IssuerKeys(signing.url, lambda: time.monotonic() + passed_s)
        trust = Trust(signing.url, AUDIENCE, {"seller": Held(Role.SALES)})
        tokens = OidcTokens(trust, keys, workers, lambda: datetime.now(UTC), lambda _: ())
        with served(databases, around=lambda keys: Bearers(keys, tokens)) as api:
            short = signing.token(roles=["seller"], exp=time.time() - SKEW_S + 3)
            with closing(call(api, "GET", "/v1/sales/facts?from=1", short)) as caller:
                read_until(caller, b"heartbeat")
                signing.is_away, passed_s = True, STALE_S + 1
                assert read_on(caller).endswith(b"0\r\n\r\n")
            long = signing.token(roles=["seller"])
            assert read_on(call(api, "GET", "/v1/sales/facts", long)).startswith(b"HTTP/1.1 503")
            assert read_on(call(api, "GET", "/v1/sales/facts", short)).startswith(b"HTTP/1.1 401")
