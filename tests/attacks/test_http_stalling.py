"""A caller that stalls is cut off, whichever way it stalls, and the others are served meanwhile."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from adapters.access.api_key import ApiKey
from adapters.http.connections import Connection
from adapters.http.parts import Limits
from adapters.http.server import listen, serve
from domain.access.facts import Role
from tests.conftest import Databases
from tests.http_api import served

LARGE = 32 * 1024 * 1024
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ONCE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Impatient(Connection):
    headers_s = 0.4
    stall_s = 0.4
    slowest_bytes_per_s = 1024 * 1024
    most_waiting = 2 * LARGE
    most = 5


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("x" * (LARGE if scope["path"] == "/large" else 1))(scope, receive, send)


@pytest.fixture
def port() -> Iterator[int]:
    stop, ready = threading.Event(), threading.Event()
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(
            target=serve, args=(answering, listener, stop, ready.set), kwargs={"connection": Impatient}
        )
        thread.start()
        assert ready.wait(10)
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def call(port: int) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", port), timeout=5))


def read_all(caller: socket.socket) -> bytes:
    found = bytearray()
    try:
        while part := caller.recv(1 << 20):
            found += part
    except ConnectionResetError:
        pass
    return bytes(found)


def ends(caller: socket.socket) -> bool | None:
    """None while nothing comes."""
    try:
        return caller.recv(1) == b""
    except TimeoutError:
        return None
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"])
def test_who_does_not_finish_its_headers_is_cut_off(port: int, begun: bytes) -> None:
    with call(port) as caller:
        caller.sendall(begun)
        assert read_all(caller) == b""


def test_who_sends_header_after_header_is_cut_off(port: int) -> None:
    began = time.monotonic()
    with call(port) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n")
        caller.settimeout(0.05)
        while (ended := ends(caller)) is None:
            assert time.monotonic() < began + 5
            caller.sendall(b"X: y\r\n")
    assert ended


def test_who_sends_empty_lines_between_requests_is_cut_off(port: int) -> None:
    with call(port) as caller:
        caller.sendall(ASK)
        assert caller.recv(1_000)
        caller.sendall(b"\r\n")
        assert read_all(caller) == b""


def test_who_asks_again_in_time_keeps_its_connection(port: int) -> None:
    with call(port) as caller:
        for _ in range(4):
            caller.sendall(ASK)
            assert caller.recv(1_000).startswith(b"HTTP/1.1 200")
            time.sleep(0.2)


def test_who_never_reads_is_cut_off(port: int) -> None:
    with call(port) as caller:
        caller.sendall(ASK.replace(b"/ ", b"/large "))
        time.sleep(1.2)
        assert len(read_all(caller)) < LARGE


def test_who_never_reads_a_page_of_a_read_model_is_cut_off_and_holds_nobody_up(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "stall_s", Impatient.stall_s)
    ticket = {"command": "ticket.open", "with": {"summary": "\N{MUSICAL SYMBOL G CLEF}" * 2_000}}
    page = "/v1/support/tickets"
    with served(databases, limits=Limits()) as api:
        api.give("batch", {"commands": [ticket] * 1_000})
        api.fold()
        whole = api.ask(page, limit=1_000, format="csv")
        port, key = int(api.url.rpartition(":")[2]), api.key(Role.ADMINISTRATOR).text
        with call(port) as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)  # little of it lies in between
            caller.sendall(
                f"GET {page}?limit=1000&format=csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            )
            time.sleep(1.5)
            assert api.ask(page, limit=1).status_code == 200
            assert 0 < len(read_all(caller)) < len(whole.content)


def test_who_reads_slowly_on_gets_it_all(port: int) -> None:
    found, began = 0, time.monotonic()
    with call(port) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        caller.sendall(ONCE.replace(b"/ ", b"/large "))
        while part := caller.recv(1 << 20):
            found += len(part)
            time.sleep(len(part) / (16 * 1024 * 1024))
    assert found > LARGE
    assert time.monotonic() - began > 3 * Impatient.stall_s


def test_who_reads_next_to_nothing_is_cut_off(port: int) -> None:
    with call(port) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        caller.sendall(ASK.replace(b"/ ", b"/large "))
        for _ in range(20):
            caller.recv(1_000)
            time.sleep(0.1)
        assert len(read_all(caller)) < LARGE


def test_of_what_nobody_reads_only_so_much_waits(port: int) -> None:
    with ExitStack() as stack:
        callers = [stack.enter_context(call(port)) for _ in range(4)]
        for caller in callers:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            caller.sendall(ONCE.replace(b"/ ", b"/large "))
            time.sleep(0.05)
        found = [len(read_all(caller)) for caller in reversed(callers)]
    assert found[0] > LARGE
    assert min(found) < LARGE


def test_who_leaves_much_unread_is_cut_off_before_who_leaves_little(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "most_waiting", 12_000_000)
    ticket = {"command": "ticket.open", "with": {"summary": "\N{MUSICAL SYMBOL G CLEF}" * 2_000}}
    with served(databases, limits=Limits()) as api, ExitStack() as stack:
        api.give("batch", {"commands": [ticket] * 1_000})
        api.fold()
        port, greedy, modest = int(api.url.rpartition(":")[2]), api.admit(Role.SUPPORT), api.admit(Role.SUPPORT)

        def ask(key: ApiKey) -> socket.socket:
            caller = stack.enter_context(call(port))
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
            lines = ("Host: x", "Connection: close", f"Authorization: Bearer {key.text}")
            asked = "GET /v1/support/tickets?limit=1000&format=csv HTTP/1.1"
            caller.sendall("\r\n".join([asked, *lines, "", ""]).encode())
            assert caller.recv(12) == b"HTTP/1.1 200"
            return caller

        first = ask(modest)
        lazy = [ask(greedy) for _ in range(4)]
        assert len(read_all(first)) > 8_000_000
        assert min(len(read_all(caller)) for caller in lazy) < 8_000_000


def test_who_reads_gets_it_all(port: int) -> None:
    with call(port) as caller:
        caller.sendall(ONCE.replace(b"/ ", b"/large "))
        assert len(read_all(caller)) > LARGE


def test_who_comes_when_it_is_full_is_told_to_come_back(port: int) -> None:
    with call(port), call(port), call(port), call(port), call(port), call(port) as late:
        late.sendall(ASK)
        head, _, body = read_all(late).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert b"retry-after" in head.lower()
    assert json.loads(body)["code"] == "overloaded"


def test_what_is_no_http_is_told_as_a_problem(port: int) -> None:
    with call(port) as caller:
        caller.sendall(b"nonsense\r\n\r\n")
        head, _, body = read_all(caller).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["code"] == "malformed"
