"""The ways by which a partner follows its feed, as its own programs do: each keeps count of what it has heard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import httpx

from domain.errors import UnavailableError
from streams.envelope import ROW

if TYPE_CHECKING:  # Kafka's client is loaded where there is a topic
    from adapters.cli.installation import OpenedTopic

PATIENCE_S, GLANCE_S = 60.0, 0.05
PAGE = 1_000
DATA = "data: "
NUMBERS = ("feedseq", "agreementversion")

Event = Mapping[str, Any]


class LateError(UnavailableError):
    """A partner was not told in time."""


class Way(Protocol):
    """Repeats are dropped, as a partner drops them: by `feedseq`."""

    name: str

    def follow(self, upto: int) -> Sequence[Event]:
        """What has come since, until that number has. Raises UnavailableError."""

    def close(self) -> None: ...


class Pull:
    """Page by page, each after the number that it has."""

    name = "pull"

    def __init__(self, client: httpx.Client, feed: UUID) -> None:
        self._client, self._path, self._after = client, f"/v1/feeds/{feed}", 0

    def follow(self, upto: int) -> Sequence[Event]:
        heard: list[Event] = []
        while self._after < upto:
            asked = {"after": self._after, "limit": PAGE, "wait": 10}
            with answering():
                page = self._client.get(self._path, params=asked).raise_for_status().json()
            heard += page["events"]
            self._after = page["next"]
        return heard

    def close(self) -> None: ...


class Stream:
    """Server-sent events; comes again with the last number it has."""

    name = "stream"

    def __init__(self, client: httpx.Client, feed: UUID) -> None:
        self._client, self._path, self._after = client, f"/v1/feeds/{feed}", 0

    def follow(self, upto: int) -> Sequence[Event]:
        heard: list[Event] = []
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self._after)}
        with answering(), self._client.stream("GET", self._path, headers=headers) as answer:
            lines = answer.raise_for_status().iter_lines()
            while self._after < upto:
                if (line := next(lines, None)) is None:
                    raise LateError(way=self.name, heard=self._after, wanted=upto)
                if line.startswith(DATA):
                    heard.append(json.loads(line.removeprefix(DATA)))
                    self._after = heard[-1]["feedseq"]
        return heard

    def close(self) -> None: ...


class Hook:
    """Receives webhooks on loopback, and answers each with 204."""

    name = "webhook"

    def __init__(self) -> None:
        self._came, self._after = SimpleQueue[Event](), 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _receiver(self._came))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, args=(GLANCE_S,), name="receiver", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/relato"

    def follow(self, upto: int) -> Sequence[Event]:
        heard: list[Event] = []
        while self._after < upto:
            try:
                event = self._came.get(timeout=PATIENCE_S)
            except Empty as error:
                raise LateError(way=self.name, heard=self._after, wanted=upto) from error
            if event["feedseq"] > self._after:
                heard.append(event)
                self._after = event["feedseq"]
        return heard

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _receiver(came: SimpleQueue[Event]) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            came.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    return Receiver


class Topic:
    """The partner's own Kafka topic, with the user and the password that it was given."""

    name = "Kafka topic"

    def __init__(self, opened: OpenedTopic, name: str) -> None:
        from adapters.kafka.cluster import Cluster  # noqa: PLC0415 loads Kafka's client
        from adapters.kafka.partners import credentials  # noqa: PLC0415 as above
        from adapters.kafka.tails import TailReader  # noqa: PLC0415 as above

        security = {"security_protocol": opened.settings["security.protocol"],
                    **credentials(name, opened.password or "")}  # fmt: skip
        cluster = Cluster(opened.settings["bootstrap.servers"], security)
        self._reader = TailReader(cluster, opened.topic, 1, _event_of)
        self._next, self._after = 0, 0

    def follow(self, upto: int) -> Sequence[Event]:
        heard: list[Event] = []
        while self._after < upto:
            for offset, event in self._read():
                self._next = offset + 1
                if event["feedseq"] > self._after:
                    heard.append(event)
                    self._after = event["feedseq"]
        return heard

    def _read(self) -> Iterator[tuple[int, Event]]:
        first, end = self._reader.extents()[0]
        for page in self._reader.read({0: max(first, self._next)}, {0: end}):
            yield from page

    def close(self) -> None:
        self._reader.close()


def _event_of(_: int, offset: int, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> tuple[int, Event]:
    """A record in binary mode, as the event that a page would hold."""
    found: dict[str, Any] = {name.removeprefix("ce_"): told.decode() for name, told in headers if name != ROW}
    found["datacontenttype"] = found.pop("content-type")
    return offset, {**found, **{name: int(found[name]) for name in NUMBERS}, "data": json.loads(value or b"")}


@contextmanager
def answering() -> Iterator[None]:
    """What the API does not answer is UnavailableError."""
    try:
        yield
    except httpx.HTTPError as error:
        raise UnavailableError("the API did not answer as it should", reason=str(error)) from error
