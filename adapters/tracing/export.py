"""Spans on their way to a collector by OTLP over HTTP: in batches, from a thread; what is too much is lost."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Timer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from adapters.tracing.tracing import Kind, Span

EVERY_MS = 1_000
PATIENCE_S = 3.0
KINDS: Mapping[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "internal": SpanKind.INTERNAL,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
SCOPE = InstrumentationScope("relato")


class SpanExport:
    """The library's exporter and batches without its tracer, whose parents and ids live in a context of its own.

    Headers and certificates are read by the library from OTEL_EXPORTER_OTLP_HEADERS, …_CERTIFICATE and so on.
    """

    def __init__(self, endpoint: str, about: Mapping[str, str]) -> None:
        self._exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE_S)
        self._batches = BatchSpanProcessor(self._exporter, schedule_delay_millis=EVERY_MS)
        self._resource = Resource.create(dict(about))

    def __call__(self, span: Span) -> None:
        trace = span.trace.int
        self._batches.on_end(
            ReadableSpan(
                span.name,
                SpanContext(trace, span.id, is_remote=False, trace_flags=SAMPLED),
                parent=SpanContext(trace, span.parent, is_remote=True, trace_flags=SAMPLED) if span.parent else None,
                resource=self._resource,
                attributes=span.attributes,
                kind=KINDS[span.kind],
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=span.began_ns,
                end_time=span.ended_ns,
                instrumentation_scope=SCOPE,
            )
        )

    def close(self) -> None:
        """What waits is sent, if the collector answers in time: whoever stops us does not wait for long."""
        late = Timer(PATIENCE_S, self._exporter.shutdown)
        late.daemon = True
        late.start()
        self._batches.shutdown()  # type: ignore[no-untyped-call]  # the library's
        late.cancel()
