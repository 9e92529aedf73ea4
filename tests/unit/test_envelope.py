"""A row becomes a record and is the same row again, with the same hash."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import row_hash
from domain.event import Event, partition_of
from projections.engine.sources import Passed
from streams.envelope import MalformedRecordError, decode, decode_wanted, encode, identify
from streams.tails import Held

numbers = st.integers(1, 2**63 - 1)
times = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis' form
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


@st.composite
def events(draw: st.DrawFn) -> Event:
    subject = draw(st.uuids())
    event = Event(
        position=draw(numbers),
        partition=partition_of(subject),
        partition_seq=draw(numbers),
        stream_id=draw(st.uuids()),
        stream_version=draw(numbers),
        subject_id=subject,
        subject_seq=draw(numbers),
        event_id=draw(st.uuids()),
        command_id=draw(st.uuids()),
        correlation_id=draw(st.uuids()),
        causation_id=draw(st.uuids()),
        occurred_at=draw(times),
        recorded_at=draw(times),
        type=draw(words),
        actor=draw(words),
        origin=draw(words),
        data=draw(st.binary(max_size=300)),
        fingerprint=draw(st.binary(max_size=32)),
        hash=b"",
    )
    event.hash = row_hash(event)
    return event


EXAMPLE = Event(
    position=81,
    partition=33,
    partition_seq=7,
    stream_id=UUID("0196f2a1-0000-7222-8333-000000000001"),
    stream_version=3,
    subject_id=UUID("0196f2a1-0000-7222-8333-000000000021"),
    subject_seq=5,
    event_id=UUID("0196f2a1-0000-7222-8333-000000000003"),
    command_id=UUID("0196f2a1-0000-7222-8333-000000000004"),
    correlation_id=UUID("0196f2a1-0000-7222-8333-000000000005"),
    causation_id=UUID("0196f2a1-0000-7222-8333-000000000006"),
    occurred_at=datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1))),
    recorded_at=datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
    type="crm.order.placed.v1",
    actor='user:"Ana"',
    origin="command",
    data=b'{"total":1}',
    fingerprint=b"f" * 16,
    hash=b"h" * 32,
)


@given(events())
def test_what_is_encoded_is_decoded_whole_and_hashes_the_same(event: Event) -> None:
    record = encode(event, "/relato/test")
    again = decode(record.partition, 0, record.key, record.value, record.headers)
    assert again == event
    assert row_hash(again) == event.hash
    assert encode(again, "/relato/test") == record


@given(events())
def test_a_record_tells_its_place_and_hash_without_being_decoded(event: Event) -> None:
    record = encode(event, "/relato/test")
    held = identify(record.partition, 9, record.value, record.headers)
    assert held == Held(event.partition, 9, event.partition_seq, event.position, event.hash)


@given(events())
def test_a_record_of_an_unwanted_type_is_read_as_far_as_its_place_and_hash(event: Event) -> None:
    record = encode(event, "/relato/test")
    headers = dict(record.headers)
    again = decode_wanted(record.partition, (0, record.key, record.value, headers), {event.type})
    assert again == Passed(event.partition, event.partition_seq, event.type, event.hash)
    headers["relato"] = json.dumps(json.loads(headers["relato"]), indent=1).encode()
    assert decode_wanted(record.partition, (0, record.key, record.value, headers), {event.type}) == again
    assert decode_wanted(record.partition, (0, record.key, record.value, headers), {"another"}) == event


def test_an_unwanted_record_that_no_relay_wrote_is_refused_too() -> None:
    for headers in ({}, {"ce_type": b"a"}, {"ce_type": b"a", "relato": b"{}"}, {"ce_type": b"a", "relato": b"[]"}):
        with pytest.raises(MalformedRecordError):
            decode_wanted(3, (0, None, None, headers), {"a"})


def test_a_record_is_a_cloud_event_in_binary_mode_with_the_rest_of_the_row_in_one_header() -> None:
    record = encode(EXAMPLE, "/relato/acme")
    headers = dict(record.headers)
    assert list(headers) == ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "relato"]
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == b"0196f2a1-0000-7222-8333-000000000003"
    assert headers["ce_source"] == b"/relato/acme"
    assert headers["ce_type"] == b"crm.order.placed.v1"
    assert headers["ce_time"] == b"2026-03-01T12:00:00.000000Z"
    assert json.loads(headers["relato"]) == {
        "position": 81,
        "partition_seq": 7,
        "stream_id": "0196f2a1-0000-7222-8333-000000000001",
        "stream_version": 3,
        "subject_seq": 5,
        "command_id": "0196f2a1-0000-7222-8333-000000000004",
        "correlation_id": "0196f2a1-0000-7222-8333-000000000005",
        "causation_id": "0196f2a1-0000-7222-8333-000000000006",
        "recorded_at": "2026-03-01T12:00:00.123456Z",
        "actor": 'user:"Ana"',
        "origin": "command",
        "fingerprint": "66" * 16,
        "hash": "68" * 32,
    }


def test_key_value_partition_and_time_are_the_subjects_the_facts_and_the_recording() -> None:
    record = encode(EXAMPLE, "/relato/acme")
    assert (record.partition, record.seq, record.position) == (33, 7, 81)
    assert (record.key, record.value) == (EXAMPLE.subject_id.bytes, b'{"total":1}')
    assert record.timestamp_ms == int(EXAMPLE.recorded_at.timestamp() * 1000) == 1772366400123


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("relato", b"{")],
        [("relato", b"{}"), ("ce_id", b"x"), ("ce_time", b"y"), ("ce_type", b"z")],
        [("relato", b"[]")],
        [("relato", b'{"partition_seq":1,"position":1,"hash":"zz"}')],
    ],
)
def test_a_record_that_no_relay_wrote_is_named_by_its_place(headers: list[tuple[str, bytes]]) -> None:
    for read in (lambda: decode(3, 14, b"k" * 16, b"", headers), lambda: identify(3, 14, b"", headers)):
        with pytest.raises(MalformedRecordError, match="partition 3, offset 14"):
            read()
