"""A collector of traces on this machine, for as long as a test needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE_S = 60.0
Wanted = Callable[[Sequence[Span]], bool]


class Collector:
    """`url` is what OTEL_EXPORTER_OTLP_ENDPOINT is to say."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self._more = threading.Condition()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        with self._more:
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                told = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}
                self.services.add(told["service.name"])
                self.spans += [span for scope in of_resource.scope_spans for span in scope.spans]
            self._more.notify_all()

    def await_spans(self, wanted: Wanted) -> list[Span]:
        with self._more:
            assert self._more.wait_for(lambda: wanted(self.spans), PATIENCE_S), [span.name for span in self.spans]
            return list(self.spans)


def trace_of(span: Span) -> UUID:
    return UUID(bytes=span.trace_id)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
