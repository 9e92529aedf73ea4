"""What is a CloudEvent that can be taken, structured or in a record, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streams.inbound.cloud import LARGEST, Sent, content_of, type_in
from streams.inbound.errors import EventFormError, EventTooLargeError
from tests.sending import event

GOOD = event("availability", {"level": "low"}, time="2026-03-01T12:00:00Z")
HEADERS = [(f"ce_{name}", str(GOOD[name]).encode()) for name in ("specversion", "id", "source", "type", "time")]


def without(*names: str) -> dict[str, Any]:
    return {name: part for name, part in GOOD.items() if name not in names}


def test_other_attributes_are_left_alone_and_no_part_of_what_makes_events_the_same() -> None:
    plain, more = Sent.read(GOOD), Sent.read({**GOOD, "subject": "x", "traceparent": "00-1", "dataschema": "y"})
    assert plain.canonical() == more.canonical()
    others: list[dict[str, Any]] = [{"data": {}}, {"type": "partner.lead.v1"}, {"time": "2026-03-02T12:00:00Z"}]
    for other in others:
        assert Sent.read({**GOOD, **other}).canonical() != plain.canonical()


def test_the_order_of_names_in_the_data_does_not_count() -> None:
    one, other = ({"data": data} for data in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert Sent.read({**GOOD, **one}).canonical() == Sent.read({**GOOD, **other}).canonical()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ("event", "JSON object"),
        (without("id"), "id: is needed"),
        (without("source"), "source: is needed"),
        (without("type"), "type: is needed"),
        (without("specversion"), "specversion: is needed"),
        (without("data"), "data: is needed"),
        ({**GOOD, "specversion": "0.3"}, "specversion"),
        ({**GOOD, "id": ""}, "id"),
        ({**GOOD, "id": 7}, "id"),
        ({**GOOD, "id": "a\0b"}, "id"),
        ({**GOOD, "id": "x" * 201}, "id"),
        ({**GOOD, "source": "two words"}, "source"),
        ({**GOOD, "time": "yesterday"}, "time"),
        ({**GOOD, "time": "2026-03-01T12:00:00"}, "time"),
        ({**GOOD, "time": 1_772_000_000}, "time"),
        ({**GOOD, "time": "0026-03-01T12:00:00Z"}, "time"),
        ({**GOOD, "data": [1]}, "data"),
        ({**GOOD, "data": None}, "data"),
        ({**GOOD, "datacontenttype": "text/xml"}, "data come as JSON"),
        ({**without("data"), "data_base64": "e30="}, "data_base64"),
    ],
)
def test_what_is_no_event_is_refused_by_its_place(content: Any, match: str) -> None:
    with pytest.raises(EventFormError, match=match):
        Sent.read(content)


def test_no_value_is_repeated_in_a_refusal() -> None:
    with pytest.raises(EventFormError) as refusal:
        Sent.read({**GOOD, "time": "Ana Lima", "specversion": "Rua das Flores"})
    assert "Ana" not in str(refusal.value)
    assert "Rua" not in str(refusal.value)


def test_an_event_has_a_mebibyte_at_most() -> None:
    large = event("availability", {"x": "y" * LARGEST})
    with pytest.raises(EventTooLargeError):
        Sent.read(large)
    with pytest.raises(EventTooLargeError):
        content_of(HEADERS, json.dumps(large["data"]).encode())


def test_a_record_in_binary_mode_and_one_in_structured_mode_are_the_same_event() -> None:
    binary = content_of([*HEADERS, ("content-type", b"application/json")], json.dumps(GOOD["data"]).encode())
    structured = content_of(
        [("content-type", b"application/cloudevents+json; charset=utf-8")], json.dumps(GOOD).encode()
    )
    assert Sent.read(binary).canonical() == Sent.read(structured).canonical()
    assert Sent.read(binary).id == Sent.read(structured).id == "1"


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (HEADERS, None),
        (HEADERS, b""),
        (HEADERS, b"{"),
        (HEADERS, b'{"name": "\xff\xfe"}'),
        (HEADERS, b'{"n": NaN}'),
        (HEADERS, b'{"n": [1e999]}'),
        ([("ce_id", b"\xff")], b"{}"),
        ([("content-type", b"application/cloudevents+json")], b"[]"),
        ([("content-type", b"application/cloudevents+json")], b"\xff"),
    ],
)
def test_a_record_that_is_no_event_is_refused(headers: list[tuple[str, bytes]], value: bytes | None) -> None:
    with pytest.raises(EventFormError):
        content_of(headers, value)


def test_a_record_without_a_name_is_read_and_refused_as_an_event() -> None:
    with pytest.raises(EventFormError, match="id: is needed"):
        Sent.read(content_of(HEADERS[:1], b"{}"))


def test_a_type_is_told_of_what_has_one() -> None:
    assert type_in(GOOD) == "partner.availability.v1"
    assert type_in({"type": "a\0b"}) == "ab"
    nothing: list[Any] = [{}, {"type": 1}, None, []]
    assert [type_in(one) for one in nothing] == [None] * 4
