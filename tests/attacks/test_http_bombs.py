"""Requests made to hurt: each is refused or cut off, in little time and memory, and the server lives on."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from adapters.http.parts import Limits
from adapters.postgres.server import PostgresServer
from domain.access.facts import Role
from tests.conftest import copied
from tests.http_api import HttpApi, served

KIB, MIB = 1 << 10, 1 << 20
REGISTER, PLACE, BATCH = "customer/new/register", "order/new/place", "batch"
LONGEST_S = 10.0  # of a machine that does other things too
MOST_MEMORY = 500 * MIB  # the largest body has 32 MiB: as sent, as received and as parsed
REFUSED = {400, 405, 413, 415, 422, 431}


class Hasty(Limits):
    body_s = 1.0


@pytest.fixture(scope="module")
def api(postgres: PostgresServer, template: tuple[str, str]) -> Iterator[HttpApi]:
    with copied(postgres, template) as databases, served(databases, limits=Hasty()) as api:
        api.key(Role.ADMINISTRATOR)
        yield api


@contextmanager
def harmless(api: HttpApi) -> Iterator[None]:
    """What is done within costs little, and the server is there afterwards."""
    with suppress(OSError):  # a kernel that has no such file is not asked
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, began = _memory("VmRSS"), time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST_S
    assert _memory("VmHWM") - before < MOST_MEMORY
    assert api.client.get("/health/live", timeout=2).status_code == 200


def _memory(name: str) -> int:
    """Of this process, in which the server is a thread; 0 where the kernel does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * KIB for line in lines if line.startswith(name))


def names(count: int) -> bytes:
    return b",".join(b'"%x":1' % n for n in range(count))


BODIES: dict[str, tuple[str, bytes]] = {
    "lists without an end": (REGISTER, b"[" * MIB),
    "objects without an end": (REGISTER, b'{"a":' * MIB),
    "a field as deep as it is long": (REGISTER, b'{"name":' + b"[" * MIB + b"]" * MIB + b"}"),
    "a number of a million digits": (REGISTER, b'{"name":' + b"9" * MIB + b"}"),
    "a number of 4,000 digits": (PLACE, b'{"lines":[{"quantity":' + b"9" * 4_000 + b"}]}"),
    "a number beyond every float": (REGISTER, b'{"name":1e999999999}'),
    "a number next to nothing": (REGISTER, b'{"name":1e-999999999}'),
    "a million names": (REGISTER, b"{" + names(MIB) + b"}"),
    "a million names in a line": (PLACE, b'{"lines":[{' + names(MIB) + b"}]}"),
    "a million names in a batch": (BATCH, b"{" + names(MIB) + b"}"),
    "a million names in one command of a batch": (BATCH, b'{"commands":[{' + names(MIB) + b"}]}"),
    "a million lines": (PLACE, b'{"lines":[' + b"{}," * MIB + b"{}]}"),
    "a million commands": (BATCH, b'{"commands":[' + b"{}," * MIB + b"{}]}"),
    "a name of 8 MiB": (REGISTER, b'{"' + b"n" * 8 * MIB + b'":1}'),
    "a text that is too long": (REGISTER, b'{"name":"' + b"n" * 8 * MIB + b'"}'),
    "more than a body may have": (REGISTER, b'{"name":"' + b"n" * 32 * MIB + b'"}'),
    "UTF-16": (REGISTER, '{"name":"Ana"}'.encode("utf-16")),
    "zeros": (REGISTER, bytes(MIB)),
}


@pytest.mark.parametrize(("path", "body"), BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_a_bomb_is_refused(api: HttpApi, path: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
    with harmless(api):
        answer = api.client.post(f"/v1/{path}", content=body, headers=headers)
    assert answer.status_code in REFUSED
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 64 * KIB


def test_too_many_names_in_a_batchs_command_are_that_commands_fault(api: HttpApi) -> None:
    headers = {"Authorization": f"Bearer {api.key(Role.ADMINISTRATOR).text}"}
    body = b'{"commands":[{"command":"product.register","with":{%s}},' % names(200_000)
    body += b'{"command":"product.register","with":{"name":"Chair"}}]}'
    with harmless(api):
        answer = api.client.post("/v1/batch", content=body, headers=headers)
    assert [verdict["status"] for verdict in answer.json()["verdicts"]] == [422, 201]


def test_a_body_that_is_compressed_is_not_blown_up(api: HttpApi) -> None:
    key = api.key(Role.ADMINISTRATOR).text
    headers = {"Authorization": f"Bearer {key}", "Content-Encoding": "gzip", "Content-Type": "application/json"}
    with harmless(api):
        answer = api.client.post(f"/v1/{REGISTER}", content=gzip.compress(b" " * 256 * MIB, 1), headers=headers)
    assert answer.status_code in REFUSED


@pytest.mark.parametrize("path", [REGISTER, BATCH, "sales/open", "mappings", "imports?mapping=cdnow&name=x.csv"])
def test_who_is_not_known_has_no_body_read(api: HttpApi, path: str) -> None:
    with harmless(api):
        answer = api.client.post(f"/v1/{path}", content=b"{" * 31 * MIB)
    assert answer.status_code == 401


@pytest.mark.parametrize("path", [REGISTER, BATCH, "sales/open", "mappings"])
def test_who_is_not_known_is_answered_before_any_of_the_body_came(api: HttpApi, path: str) -> None:
    assert told(api, head("rel_nobody", TOLD % 9, path=b"/v1/" + path.encode())) == [401]


def test_many_large_bodies_at_once_find_no_room_and_take_no_memory(api: HttpApi) -> None:
    key = api.key(Role.ADMINISTRATOR).text
    with ExitStack() as stack, harmless(api):
        for _ in range(40):
            caller = stack.enter_context(_calling(api))
            with suppress(OSError):  # it may be refused already
                caller.sendall(head(key, TOLD % (31 * MIB)) + b'{"name":"' + b"n" * 30 * MIB)


def _calling(api: HttpApi) -> closing[socket.socket]:
    host, port = api.url.removeprefix("http://").split(":")
    return closing(socket.create_connection((host, int(port)), timeout=LONGEST_S))


def head(key: str, *lines: bytes, method: bytes = b"POST", path: bytes = b"/v1/customer/new/register") -> bytes:
    first = [b"%s %s HTTP/1.1" % (method, path), b"Host: x", b"Authorization: Bearer " + key.encode()]
    return b"\r\n".join([*first, *lines, b"", b""])


def told(api: HttpApi, *parts: bytes) -> list[int]:
    """The statuses that are answered until the connection ends."""
    found = bytearray()
    with _calling(api) as caller:
        with suppress(OSError):  # it may be cut off already
            for part in parts:
                caller.sendall(part)
            caller.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while part := caller.recv(KIB * 64):
                found += part
    return [int(part[1:4]) for part in found.split(b"HTTP/1.1")[1:]]


CHUNKED, TOLD = b"Transfer-Encoding: chunked", b"Content-Length: %d"
LYING: dict[str, tuple[Iterable[bytes], bytes]] = {
    "two lengths": ([TOLD % 2, TOLD % 3], b"{} "),
    "the same length twice": ([TOLD % 2, TOLD % 2], b"{}"),
    "a length and chunks": ([TOLD % 2, CHUNKED], b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks and a length": ([CHUNKED, TOLD % 2], b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks, and chunks of chunks": ([b"Transfer-Encoding: chunked, chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks that are none": ([b"Transfer-Encoding: xchunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    "a length below nothing": ([b"Content-Length: -1"], b"{}"),
    "a length with a sign": ([b"Content-Length: +2"], b"{}"),
    "a length beyond every number": ([b"Content-Length: " + b"9" * 40], b"{}"),
    "a length of more than there may be": ([TOLD % (33 * MIB)], b"{}"),
    "more than there is": ([TOLD % 20], b"{}"),
    "a chunk that has no size": ([CHUNKED], b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk whose size is no number": ([CHUNKED], b"two\r\n{}\r\n0\r\n\r\n"),
    "a chunk beyond every number": ([CHUNKED], b"F" * 40 + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer than told": ([CHUNKED], b"1\r\n{}\r\n0\r\n\r\n"),
    "a chunk that does not end": ([CHUNKED], b"20\r\n{}"),
    "a header that goes on in the next line": ([b"X: a", b" b", TOLD % 2], b"{}"),
    "a header with a zero in it": ([b"X: a\0b", TOLD % 2], b"{}"),
    "a header without a name": ([b": a", TOLD % 2], b"{}"),
    "a space before the colon": ([b"Content-Length : 2"], b"{}"),
}


@pytest.mark.parametrize(("lines", "body"), LYING.values(), ids=LYING.keys())
def test_who_lies_about_its_request_is_refused_or_cut_off(api: HttpApi, lines: Iterable[bytes], body: bytes) -> None:
    with harmless(api):
        statuses = told(api, head(api.key(Role.ADMINISTRATOR).text, *lines), body)
    assert not statuses or statuses[0] in REFUSED | {408}, statuses
    assert all(status < 500 for status in statuses)


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "an address": (b"GET /", b"x"),
    "a header": (b"GET / HTTP/1.1\r\nX: ", b"x"),
    "a header's name": (b"GET / HTTP/1.1\r\n", b"x"),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: x\r\n"),
    "a method": (b"", b"G"),
    "a cookie in pieces": (b"GET / HTTP/1.1\r\n", b"Cookie: a=b\r\n"),
    "empty lines": (b"", b"\r\n"),
}


@pytest.mark.parametrize(("begun", "again"), ENDLESS.values(), ids=ENDLESS.keys())
def test_what_does_not_end_is_ended(api: HttpApi, begun: bytes, again: bytes) -> None:
    piece = again * (64 * KIB // len(again))
    with harmless(api):
        statuses = told(api, begun, *[piece] * 512)
    assert statuses in ([], [400], [431])


@pytest.mark.parametrize("again", [b"X: x\r\n", b"x"], ids=["trailers", "a trailer"])
def test_trailers_that_do_not_end_are_ended(api: HttpApi, again: bytes) -> None:
    piece = again * (64 * KIB // len(again))
    with harmless(api):
        statuses = told(api, head(api.key(Role.ADMINISTRATOR).text, CHUNKED), b"2\r\n{}\r\n0\r\nX: ", *[piece] * 512)
    assert statuses in ([], [400], [431], [408])


def test_headers_of_a_mebibyte_are_told_so(api: HttpApi) -> None:
    with harmless(api):
        assert told(api, head(api.key(Role.ADMINISTRATOR).text, b"X: " + b"x" * MIB)) in ([431], [])


STRANGE = {
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an old one": b"GET /health/live\r\n\r\n",
    "a proxy's request": b"CONNECT db:5432 HTTP/1.1\r\nHost: x\r\n\r\n",
    "everything": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is no text": b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a query that is no text": b"GET /problems?%ff=%00&&&=;\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a socket": b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "TLS": bytes.fromhex("16030100f8010000f40303") + bytes(100),
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
}


@pytest.mark.parametrize("request_", STRANGE.values(), ids=STRANGE.keys())
def test_a_strange_request_is_nothing_to_fail_at(api: HttpApi, request_: bytes) -> None:
    with harmless(api):
        statuses = told(api, request_)
    assert all(status < 500 for status in statuses), statuses


def test_what_comes_after_a_request_is_no_part_of_it(api: HttpApi) -> None:
    with harmless(api):
        statuses = told(api, head(api.key(Role.ADMINISTRATOR).text, TOLD % 2), b"{}", b"and more\r\n\r\n")
    assert statuses in ([201, 400], [201], [400])  # who sends nonsense may miss the answer to what came before it
