"""What becomes of a request is one trace: the request, its append, its publishing, its folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.acceptance.program import Relato
from tests.acceptance.test_api import address_of, caller_of
from tests.collecting import Collector, collecting, trace_of

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST, APPEND = "POST /v1/customer/{id}/register", "append"
FOLDS = {"fold sales", "fold marketing", "fold audit"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def register(relato: Relato) -> str:
    """The key's id, which must not be in any span."""
    key = relato.tell("key", "issue", "--role", "sales").strip()
    with caller_of(address_of(relato), key) as caller:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-ID": "web 17"}
        wrote = caller.post("/v1/customer/new/register", json={"name": "Ana Lima"}, headers=headers)
        assert wrote.status_code == 201
        assert wrote.headers["x-request-id"] == str(UUID(hex=TRACE))
    return key


def of_trace(spans: Sequence[Span]) -> dict[str, Span]:
    return {span.name: span for span in spans if trace_of(span) == UUID(hex=TRACE)}


def assert_one_trace(spans: Sequence[Span], wanted: set[str]) -> None:
    found = of_trace(spans)
    assert found.keys() >= wanted
    request, append = found[REQUEST], found[APPEND]
    assert request.parent_span_id.hex() == CALLER
    assert append.parent_span_id == request.span_id
    assert request.start_time_unix_nano <= append.start_time_unix_nano < append.end_time_unix_nano
    assert append.end_time_unix_nano <= request.end_time_unix_nano
    for name in found.keys() - {REQUEST, APPEND}:
        assert found[name].parent_span_id == append.span_id, name
        assert append.start_time_unix_nano < found[name].end_time_unix_nano, name
        assert found[name].start_time_unix_nano < found[name].end_time_unix_nano, name
    assert len({span.span_id for span in spans}) == len(spans)


def test_a_request_and_what_became_of_it_are_one_trace(fresh: Relato, collector: Collector) -> None:
    fresh.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "RELATO_TRACE_RATIO": "1"}
    with fresh.up():
        key = register(fresh)
        spans = collector.await_spans(lambda spans: of_trace(spans).keys() >= {REQUEST, APPEND, *FOLDS})
    assert_one_trace(spans, {REQUEST, APPEND, *FOLDS})
    assert {"relato api", "relato folds"} <= collector.services
    assert not any(text in str(spans) for text in ("Ana", "web 17", key))


@pytest.mark.kafka
def test_the_publishing_is_in_it(fresh: Relato, collector: Collector) -> None:
    fresh.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "RELATO_TRACE_RATIO": "1"}
    wanted = {REQUEST, APPEND, "publish crm.events.v1", *FOLDS}
    with fresh.up("--kafka"):
        register(fresh)
        spans = collector.await_spans(lambda spans: of_trace(spans).keys() >= wanted)
    assert_one_trace(spans, wanted)
