"""Whoever stops a process does not wait for a collector that answers nothing."""

from __future__ import annotations

import socket
import time

import pytest

from adapters.ids import uuid7
from adapters.tracing import export
from adapters.tracing.export import SpanExport
from adapters.tracing.tracing import Span
from tests.collecting import collecting, trace_of


def span_of(n: int) -> Span:
    return Span("append", "internal", uuid7(), n, None, 1, 2, {"relato.facts": n})


def test_what_waits_is_sent_at_the_end() -> None:
    with collecting() as collector:
        spans = SpanExport(f"{collector.url}/", {"service.name": "test"})
        given = [span_of(n) for n in range(1, 101)]
        for span in given:
            spans(span)
        spans.close()
        found = {(trace_of(span), int.from_bytes(span.span_id)) for span in collector.spans}
    assert found == {(span.trace, span.id) for span in given}


def test_a_collector_that_answers_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        spans = SpanExport(f"http://127.0.0.1:{silent.getsockname()[1]}", {"service.name": "test"})
        for n in range(1, 2_000):
            spans(span_of(n))
        began = time.monotonic()
        spans.close()
        assert time.monotonic() - began < 5
