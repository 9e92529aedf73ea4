"""One attempt over HTTP: to the machine that was looked at, under the name that was asked for, within its bounds."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from httpcore import AsyncNetworkStream, ReadError

from adapters.webhooks.addresses import Reach
from adapters.webhooks.line import HttpLine
from adapters.webhooks.network import BoundedStream, GuardedNetwork
from streams.webhooks.schedule import Answer
from tests.receiving import Heard, Receiver, answer_and_close, drip_body, hang, receiving, status

REACH = Reach((ip_network("127.0.0.0/8"),), plain=True)
HEADERS = {"webhook-id": "msg_1"}
NAME = "partner.example"


class Trust:
    """An authority that is trusted, and the context of a server that it knows as NAME."""

    def __init__(self, folder: Path) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "both.pem").write_bytes(private + made.public_bytes(pem))
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(folder / "both.pem")
        self.client = ssl.create_default_context(cadata=made.public_bytes(pem).decode())
        self.asked_for: list[str] = []
        self.server.sni_callback = lambda _, name, __: self.asked_for.append(name)


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path)


@pytest.fixture
def network() -> Iterator[GuardedNetwork]:
    network = GuardedNetwork(REACH, lambda *_: ["127.0.0.1"])
    yield network
    network.close()


def post(
    network: GuardedNetwork,
    *urls: str,
    trust: ssl.SSLContext | None = None,
    body: bytes = b"{}",
    attempt_s: float = 5.0,
) -> list[Answer]:
    """One message after the other, over one line."""

    async def run() -> list[Answer]:
        line = HttpLine(REACH, network, trust or ssl.create_default_context(), attempt_s=attempt_s)
        try:
            return [await line.post(url, HEADERS, body) for url in urls]
        finally:
            await line.close()

    return asyncio.run(run())


def test_over_tls_the_name_is_asked_for_and_the_number_is_the_one_that_was_looked_at(
    network: GuardedNetwork, trust: Trust
) -> None:
    with receiving(trust=trust.server) as receiver:
        (answer,) = post(network, f"https://{NAME}:{receiver.port}/hook", trust=trust.client)
        assert answer.status == 204
        assert trust.asked_for == [NAME]
        assert receiver.heard[0].headers["host"] == f"{NAME}:{receiver.port}"
        assert receiver.heard[0].path == "/hook"


def test_a_certificate_for_another_name_or_of_nobody_is_not_talked_to(network: GuardedNetwork, trust: Trust) -> None:
    with receiving(trust=trust.server) as receiver:
        (other,) = post(network, f"https://other.example:{receiver.port}/", trust=trust.client)
        (unknown,) = post(network, f"https://{NAME}:{receiver.port}/")
    assert (other.status, unknown.status) == (None, None)
    assert "certificate" in other.reason.lower()
    assert "certificate" in unknown.reason.lower()
    assert receiver.heard == []


def test_a_connection_is_used_again_and_made_anew_where_the_other_side_closed_it(network: GuardedNetwork) -> None:
    with receiving() as keeping, receiving(answer_and_close) as closing:
        assert [one.status for one in post(network, *[keeping.url] * 5)] == [204] * 5
        assert [one.status for one in post(network, *[closing.url] * 5)] == [204] * 5
        assert (keeping.connections, closing.connections) == (1, 5)
        assert (len(keeping.heard), len(closing.heard)) == (5, 5)


def test_a_body_that_goes_on_does_not_hold_up_the_next_message(network: GuardedNetwork) -> None:
    with receiving(drip_body) as receiver:
        first, second = post(network, receiver.url, receiver.url)
        assert (first.status, second.status) == (200, 200)
        assert receiver.connections == 2


def test_what_cannot_be_reached_is_told(network: GuardedNetwork) -> None:
    with receiving() as receiver:
        pass
    (answer,) = post(network, receiver.url)
    assert answer.status is None
    assert answer.reason
    assert post(network, "https://10.0.0.1/")[0].reason.startswith("the address leads to no machine")


def test_an_attempt_ends_in_time(network: GuardedNetwork) -> None:
    with receiving(hang) as receiver:
        (answer,) = post(network, receiver.url, attempt_s=0.2)
        assert (answer.status, answer.reason) == (None, "no answer within 0.2 s")


@pytest.mark.parametrize("environment", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_in_the_environment_are_not_used(
    network: GuardedNetwork, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv(environment, proxy.url)
        assert post(network, receiver.url)[0].status == 204
        assert (proxy.connections, receiver.connections) == (0, 1)


def test_retry_after_is_passed_on(network: GuardedNetwork) -> None:
    with receiving(status(429, Retry_After="7")) as receiver:
        assert post(network, receiver.url)[0].retry_after == "7"


def test_an_early_hint_is_not_the_answer(network: GuardedNetwork) -> None:
    async def hint(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    with receiving(hint) as receiver:
        assert post(network, receiver.url)[0].status == 500


@pytest.mark.parametrize(
    ("begin", "part"),
    [
        pytest.param(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", id="hints"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-More: of it\r\n", id="headers"),
    ],
)
def test_who_never_comes_to_the_end_of_an_answer_is_broken_off_before_time_is(
    network: GuardedNetwork, begin: bytes, part: bytes
) -> None:
    async def flood(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(part * 2_000)
            await writer.drain()

    with receiving(flood) as receiver:
        (answer,) = post(network, receiver.url, attempt_s=60.0)
        assert (answer.status, answer.reason) == (None, "the answer is longer than 64 KiB")


class Endless(AsyncNetworkStream):
    """Has as much as is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 httpcore's
        self.asked.append(max_bytes)
        return b"x" * max_bytes

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 httpcore's
        pass


def test_little_is_read_at_a_time_and_as_much_again_of_the_next_answer() -> None:
    """What is read at once is parsed at once, while no other endpoint has its turn."""

    async def read_on(stream: BoundedStream) -> None:
        while True:
            await stream.read(64 * 1024)

    endless = Endless()
    stream = BoundedStream(endless)
    with pytest.raises(ReadError):
        asyncio.run(read_on(stream))
    assert set(endless.asked) == {4 * 1024}
    first = len(endless.asked)
    asyncio.run(stream.write(b"another message"))
    with pytest.raises(ReadError):
        asyncio.run(read_on(stream))
    assert len(endless.asked) == 2 * first


def heard(receiver: Receiver) -> list[Mapping[str, str]]:
    return [one.headers for one in receiver.heard]


def test_nothing_is_sent_that_was_not_meant_to_be(network: GuardedNetwork) -> None:
    """No cookies come back, no credentials go along."""
    with receiving(status(204, Set_Cookie="a=b")) as receiver:
        post(network, receiver.url, receiver.url)
        assert [sorted(headers) for headers in heard(receiver)] == [["content-length", "host", "webhook-id"]] * 2
