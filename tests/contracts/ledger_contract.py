"""What every ledger must do; the same suite runs on memory and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Protocol
from uuid import UUID

import pytest

from adapters.ids import uuid7
from domain.canonical import row_hash
from domain.customer.facts import CustomerStageChanged, NeedNoted, Stage
from domain.errors import ConflictError, InvalidError
from domain.event import Event, partition_of
from domain.fact import Fact
from domain.ports import Append, EventLog, KnownError, Ledger, NewFact, StaleError, Write

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
A_FACT = CustomerStageChanged(stage=Stage.CUSTOMER, reason="ordered")


class AnyLedger(Ledger, EventLog, Protocol):
    """Appends and is read."""


def write(
    *facts: Fact, stream: UUID, subject: UUID | None = None, command: UUID | None = None, mark: bytes = b"f" * 16
) -> Write:
    command = command or uuid7()
    new = [NewFact(stream, subject or stream, fact) for fact in facts]
    return Write(command, mark, command, command, "tester", "command", AT, new)


def append_one(ledger: AnyLedger, stream: UUID, version: int, **more: Any) -> Write:
    one = write(A_FACT, stream=stream, **more)
    ledger.append(Append([one], {stream: version}))
    return one


class LedgerContract:
    """Subclasses give a `ledger` fixture."""

    def test_what_is_appended_is_read_back_whole(self, ledger: AnyLedger) -> None:
        stream, subject = uuid7(), uuid7()
        one = write(A_FACT, stream=stream, subject=subject)
        [place] = ledger.append(Append([one], {stream: 0}))
        [event] = ledger.load([stream])
        assert (event.position, event.partition, event.partition_seq) == place == (1, partition_of(subject), 1)
        assert (event.stream_id, event.stream_version, event.subject_id, event.subject_seq) == (stream, 1, subject, 1)
        assert (event.command_id, event.actor, event.origin, event.fingerprint) == (
            one.command_id,
            "tester",
            "command",
            b"f" * 16,
        )
        assert (event.occurred_at, event.fact) == (AT, A_FACT)
        assert event.hash == row_hash(event)

    def test_every_numbering_is_gapless_and_recorded_at_never_runs_backwards(self, ledger: AnyLedger) -> None:
        streams = [uuid7() for _ in range(7)]
        subjects = [uuid7() for _ in range(3)]
        for version in range(4):
            for n, stream in enumerate(streams):
                append_one(ledger, stream, version, subject=subjects[n % 3])
        events = ledger.read(0, 1000)
        assert [e.position for e in events] == list(range(1, 29))
        for of in (lambda e: e.stream_id, lambda e: e.subject_id, lambda e: e.partition):
            assert_gapless(events, of)
        assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(events))

    def test_many_commands_in_one_append_are_all_written_or_none(self, ledger: AnyLedger) -> None:
        a, b = uuid7(), uuid7()
        places = ledger.append(
            Append([write(A_FACT, stream=a), write(A_FACT, A_FACT, stream=b), write(A_FACT, stream=a)], {a: 0, b: 0})
        )
        assert [place.position for place in places] == [1, 2, 3, 4]
        assert [e.stream_version for e in ledger.load([a])] == [1, 2]
        with pytest.raises(StaleError):
            ledger.append(Append([write(A_FACT, stream=a), write(A_FACT, stream=b)], {a: 2, b: 1}))
        assert ledger.last_position() == 4

    def test_what_is_submitted_answers_once_it_was_notified(self, ledger: AnyLedger) -> None:
        stream, notified = uuid7(), threading.Semaphore(0)
        append = Append([write(A_FACT, stream=stream)], {stream: 0})
        first = ledger.submit(append, notified.release)
        assert notified.acquire(timeout=10)
        [event] = ledger.load([stream])
        assert first() == [(event.position, event.partition, event.partition_seq)]
        again = ledger.submit(append, notified.release)
        assert notified.acquire(timeout=10)
        with pytest.raises(KnownError):
            again()

    def test_a_stale_expectation_writes_nothing(self, ledger: AnyLedger) -> None:
        stream = uuid7()
        append_one(ledger, stream, 0)
        for version in (0, 2):
            with pytest.raises(StaleError):
                append_one(ledger, stream, version)
        assert len(ledger.load([stream])) == 1

    def test_a_stale_guard_writes_nothing_and_a_good_one_is_not_written_to(self, ledger: AnyLedger) -> None:
        guarded, stream = uuid7(), uuid7()
        append_one(ledger, guarded, 0)
        with pytest.raises(StaleError):
            ledger.append(Append([write(A_FACT, stream=stream)], {stream: 0}, {guarded: 0}))
        ledger.append(Append([write(A_FACT, stream=stream)], {stream: 0}, {guarded: 1}))
        assert (len(ledger.load([guarded])), len(ledger.load([stream]))) == (1, 1)

    def test_a_command_that_is_known_is_not_written_again(self, ledger: AnyLedger) -> None:
        stream = uuid7()
        one = append_one(ledger, stream, 0)
        with pytest.raises(KnownError):
            append_one(ledger, stream, 1, command=one.command_id)
        with pytest.raises(KnownError):  # also where its expectation is stale by now
            append_one(ledger, stream, 0, command=one.command_id)
        found = ledger.find_commands([one.command_id, uuid7()])
        assert set(found) == {one.command_id}
        assert found[one.command_id].fingerprint == b"f" * 16
        assert [tuple(place) for place in found[one.command_id].places] == [(1, partition_of(stream), 1)]
        assert found[one.command_id].versions == {stream: 1}

    def test_a_stream_keeps_the_subject_of_its_first_fact(self, ledger: AnyLedger) -> None:
        stream = uuid7()
        append_one(ledger, stream, 0, subject=uuid7())
        with pytest.raises(ConflictError):
            append_one(ledger, stream, 1, subject=uuid7())
        assert ledger.last_position() == 1

    def test_a_stream_nobody_expects_is_refused(self, ledger: AnyLedger) -> None:
        a, b = uuid7(), uuid7()
        with pytest.raises(ConflictError):
            ledger.append(Append([write(A_FACT, stream=a)], {b: 0}))
        assert ledger.last_position() == 0

    def test_a_fact_over_256_kib_is_refused_and_nothing_is_lost(self, ledger: AnyLedger) -> None:
        stream = uuid7()
        with pytest.raises(InvalidError):
            ledger.append(Append([write(NeedNoted(need="n" * 262_144), stream=stream)], {stream: 0}))
        append_one(ledger, stream, 0)
        assert ledger.last_position() == 1

    def test_readers_page_by_position_partition_and_subject(self, ledger: AnyLedger) -> None:
        subject = UUID(int=uuid7().int & ~63 | 17)
        for _ in range(5):
            append_one(ledger, uuid7(), 0, subject=subject)
        assert [e.position for e in ledger.read(2, 2)] == [3, 4]
        assert [e.partition_seq for e in ledger.read_partition(17, 3, 10)] == [4, 5]
        assert [e.subject_seq for e in ledger.read_subject(subject, 0, 3)] == [1, 2, 3]
        assert ledger.partition_heads() == {17: 5}


def assert_gapless(events: Sequence[Event], of: Callable[[Event], object]) -> None:
    """Versions, subject_seqs and partition_seqs each count 1, 2, 3 .. where `of` groups by their owner."""
    groups: dict[object, list[Event]] = {}
    for event in events:
        groups.setdefault(of(event), []).append(event)
    for key, group in groups.items():
        counted = {
            "stream": [e.stream_version for e in group if e.stream_id == key],
            "subject": [e.subject_seq for e in group if e.subject_id == key],
            "partition": [e.partition_seq for e in group if e.partition == key],
        }
        assert any(numbers == list(range(1, len(group) + 1)) for numbers in counted.values())
