"""Which requests are traced, and how their spans hang together without anything travelling with the facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.memory.ledger import MemoryLedger
from adapters.tracing.ledger import TracedLedger
from adapters.tracing.tracing import FRESH_S, RANDOM_BITS, REQUEST, Span, Tracing, append_id
from domain.ports import Append, KnownError, Write
from streams.envelope import encode
from tests.contracts.ledger_contract import A_FACT, write

TRACE, OTHER = uuid7(), uuid7()


@pytest.fixture
def spans() -> list[Span]:
    return []


@pytest.fixture
def tracing(spans: list[Span]) -> Tracing:
    return Tracing(spans.append, 1.0)


def of_trace(trace: UUID = TRACE, origin: str = "command") -> Write:
    return write(A_FACT, A_FACT, stream=uuid7())._replace(correlation_id=trace, origin=origin)


def appended(*writes: Write) -> Append:
    return Append(writes, {one.facts[0].stream_id: 0 for one in writes})


@pytest.mark.parametrize("ratio", [0.0, 0.05, 0.5, 1.0])
def test_as_many_are_sampled_as_the_ratio_says_and_every_process_agrees(ratio: float) -> None:
    ids = [uuid7() for _ in range(20_000)]
    sampled = [Tracing(lambda _: None, ratio).samples(one) for one in ids]
    assert sum(sampled) == pytest.approx(ratio * len(ids), abs=400)
    assert sampled == [Tracing(lambda _: None, ratio).samples(one) for one in ids]


def test_what_a_small_ratio_samples_a_larger_one_samples_too() -> None:
    some, more = (Tracing(lambda _: None, ratio) for ratio in (0.1, 0.3))
    assert all(more.samples(one) for one in (uuid7() for _ in range(5_000)) if some.samples(one))


def test_an_append_hangs_below_its_request_and_what_meets_the_fact_below_the_append(
    tracing: Tracing, spans: list[Span]
) -> None:
    ledger = MemoryLedger()
    request = tracing.begin(TRACE, 7)
    assert request
    one, two = of_trace(), of_trace()
    TracedLedger(ledger, tracing).append(appended(one, two))
    tracing.end(request, "POST", "/v1/batch", 200, 0.5)
    events = ledger.read(0, 10)
    tracing.tell_folded("sales", events[:1], 1)
    acknowledged = tracing.watch_sent("crm.events.v1", encode(events[-1], "/relato/test"))
    assert acknowledged
    assert len(spans) == 4
    acknowledged()
    first, second, told, folded, published = spans
    assert {span.trace for span in spans} == {TRACE}
    assert (told.id, told.parent, told.ended_ns - told.began_ns) == (request.id, 7, 500_000_000)
    assert (first.parent, second.parent) == (request.id, request.id)
    assert (first.id, second.id) == (append_id(one.command_id), append_id(two.command_id))
    assert (folded.parent, published.parent) == (first.id, second.id)
    assert second.attributes == {"relato.position": 3, "relato.facts": 2}


def test_a_submitted_append_is_told_when_it_is_written_and_one_that_is_refused_is_not(
    tracing: Tracing, spans: list[Span]
) -> None:
    ledger, append, notified = TracedLedger(MemoryLedger(), tracing), appended(of_trace()), list[bool]()
    answer = ledger.submit(append, lambda: notified.append(True))
    assert (notified, spans) == ([True], [])
    assert len(answer()) == 2
    [span] = spans
    assert 0 < span.began_ns <= span.ended_ns
    repeated = ledger.submit(append, lambda: None)
    with pytest.raises(KnownError):
        repeated()
    assert len(spans) == 1


def test_what_is_not_sampled_leaves_no_span_and_no_parent_of_an_earlier_request(spans: list[Span]) -> None:
    tracing, ledger = Tracing(spans.append, 0.5), MemoryLedger()
    low, high = (UUID(int=(0x7 << 100) + bits) for bits in (1, (1 << RANDOM_BITS) - 1))
    assert tracing.begin(high, None)
    assert tracing.begin(low, None) is None
    assert REQUEST.get() is None
    TracedLedger(ledger, tracing).append(appended(of_trace(low)))
    for event in ledger.read(0, 10):
        tracing.tell_folded("sales", [event], 1)
        assert tracing.watch_sent("t", encode(event, "/relato/test")) is None
    assert spans == []


def test_an_import_and_what_is_folded_or_published_anew_are_no_part_of_a_trace(
    tracing: Tracing, spans: list[Span]
) -> None:
    now = datetime.now(UTC)
    old, new = MemoryLedger(lambda: now - timedelta(seconds=FRESH_S + 1)), MemoryLedger()
    old.append(appended(of_trace()))
    TracedLedger(new, tracing).append(appended(of_trace(origin="import")))
    for event in [*old.read(0, 10), *new.read(0, 10)]:
        tracing.tell_folded("sales", [event], 1)
        assert tracing.watch_sent("t", encode(event, "/relato/test")) is None
    assert spans == []
