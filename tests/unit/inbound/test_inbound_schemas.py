"""The schemas of partners' events say what the intake takes: what fits is refused for its content alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.http.inbound_schemas import REFUSALS
from adapters.http.problems import status_of
from domain.agreement.terms import Terms
from domain.errors import RefusedError
from streams.inbound.cloud import Sent, content_of
from streams.inbound.envelopes import accepted_types, event_schema, example_of
from streams.inbound.errors import EventFormError, UnfitError
from streams.inbound.intake import Kind
from streams.inbound.kind import EXAMPLE_ID
from streams.inbound.types import TYPES
from tests.sending import Desk, accepting
from tests.writing import binary, structured

LEFT_OUT = object()


def named(type_: str) -> str:
    return type_.split(".")[1]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.agree(accepting(*map(named, TYPES), scope="all"))
    return desk


def fits(type_: str, content: Any) -> bool:
    return jsonschema_rs.validator_for(event_schema(type_), validate_formats=True).is_valid(content)


def about(example: Any, **ids: Any) -> Any:
    """The example, of things that are there."""
    text = json.dumps({name: part for name, part in example.items() if name != "data"})
    data = json.dumps(example["data"])
    for name, id_ in ids.items():
        data = data.replace(f'"{name}": "{EXAMPLE_ID}"', f'"{name}": "{id_}"')
    return {**json.loads(text), "data": json.loads(data)}


def changed(type_: str, change: dict[str, Any]) -> dict[str, Any]:
    """The example with some parts others, or left out; `data.level` is a part of the data."""
    content: dict[str, Any] = json.loads(json.dumps(example_of(type_)))
    for path, value in change.items():
        inner, _, name = path.rpartition(".")
        place = content[inner] if inner else content
        if value is LEFT_OUT:
            del place[name]
        else:
            place[name] = value
    return content


@pytest.mark.parametrize("type_", TYPES)
def test_an_example_is_taken_where_it_is_about_something_that_is_there(desk: Desk, type_: str) -> None:
    product_id = desk.product()
    there = {"product_id": product_id, "order_id": desk.order(product_id), "ticket_id": desk.ticket()}
    assert desk.send(about(example_of(type_), **there)).kind is Kind.ACCEPTED


@pytest.mark.parametrize("mode", [binary, structured])
@pytest.mark.parametrize("type_", TYPES)
def test_an_example_as_it_is_is_refused_for_its_content_alone(desk: Desk, type_: str, mode: Any) -> None:
    example = example_of(type_)
    assert fits(type_, json.loads(json.dumps(example)))
    for content in (example, content_of(*mode(example))):
        verdict = desk.send(content)
        assert not isinstance(verdict.error, UnfitError), verdict


FITTING: list[tuple[str, dict[str, Any]]] = [
    ("availability", {"time": LEFT_OUT}),
    ("availability", {"datacontenttype": LEFT_OUT}),
    ("availability", {"datacontenttype": "Application/Something+JSON ; charset=utf-8"}),
    ("availability", {"traceparent": "00-1", "subject": "x", "dataschema": "https://erp.example/1"}),
    ("availability", {"id": "x" * 200, "source": "urn:erp:1"}),
    ("availability", {"data.quantity": LEFT_OUT, "data.expected_on": LEFT_OUT, "data.level": "on_order"}),
    ("availability", {"data.quantity": 0}),
    ("shipment", {"data.lines": LEFT_OUT, "data.carrier": LEFT_OUT}),
    ("shipment", {"data": {"order_id": str(EXAMPLE_ID), "shipment": "S-1", "status": "failed", "reason": "away"}}),
    ("service_done", {"data": {"ticket_id": str(EXAMPLE_ID)}}),
    ("lead", {"data": {"name": "Ana"}}),
    ("lead", {"data.note": "for the kitchen"}),
    ("lead", {"data.kind": "company", "data.contact_points": []}),
]


@pytest.mark.parametrize(("of", "change"), FITTING)
def test_what_fits_is_refused_for_its_content_alone(desk: Desk, of: str, change: dict[str, Any]) -> None:
    type_ = f"partner.{of}.v1"
    content = changed(type_, change)
    assert fits(type_, content)
    assert not isinstance(desk.send(content).error, UnfitError)


TIMES = st.datetimes(min_value=datetime(1900, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001 the zone is beside it
TEXTS: dict[str | None, st.SearchStrategy[str]] = {
    None: st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50).filter(str.strip),
    "uuid": st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()),
    "date": st.dates().map(str),
    "date-time": TIMES.map(datetime.isoformat) | TIMES.map(lambda one: one.strftime("%Y-%m-%dt%H:%M:%S.123456789z")),
    "uri-reference": st.sampled_from(["/erp", "urn:erp:1", "https://erp.example/?of=1#2", "erp"]),
}


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Of what the schema allows, much."""
    match schema:
        case {"const": value}:
            return st.just(value)
        case {"enum": choices}:
            return st.sampled_from(choices)
        case {"type": "object", "properties": properties}:
            fields = {name: values(part) for name, part in properties.items()}
            needed = {name: fields.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional=fields)
        case {"type": "array", "items": items}:
            return st.lists(values(items), min_size=schema.get("minItems", 0), max_size=3)
        case {"type": "integer"}:
            return st.integers(schema["minimum"], schema["maximum"])
        case {"default": "application/json"}:
            return st.sampled_from(["application/json", "text/JSON; of=erp", "application/erp+json"])
        case _:
            return TEXTS[schema.get("format")]


@pytest.mark.parametrize("type_", TYPES)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_fits_is_refused_for_its_content_alone(type_: str, data: st.DataObject) -> None:
    content = data.draw(values(event_schema(type_)))
    assume(fits(type_, content))
    TYPES[type_].read(Sent.read(content).data)


UNFIT: list[tuple[str, dict[str, Any]]] = [
    *(("availability", {name: LEFT_OUT}) for name in ("specversion", "id", "source", "data")),
    ("availability", {"specversion": "0.3"}),
    ("availability", {"id": ""}),
    ("availability", {"id": "x" * 201}),
    ("availability", {"id": 7}),
    ("availability", {"source": "/an erp"}),
    ("availability", {"source": ""}),
    ("availability", {"time": "yesterday"}),
    ("availability", {"time": "2026-03-05T10:00:00"}),
    ("availability", {"time": 1_772_704_800}),
    ("availability", {"datacontenttype": "text/plain"}),
    ("availability", {"datacontenttype": "text/plain; x=json"}),
    ("availability", {"data": []}),
    ("availability", {"data_base64": "e30="}),
    ("availability", {"data.level": "plenty"}),
    ("availability", {"data.level": LEFT_OUT}),
    ("availability", {"data.quantity": -1}),
    ("availability", {"data.product_id": "17"}),
    ("availability", {"data.expected_on": "soon"}),
    ("availability", {"data.colour": "blue"}),
    ("shipment", {"data.lines": []}),
    ("shipment", {"data.shipment": LEFT_OUT}),
    ("service_done", {"data.note": ""}),
    ("lead", {"data.contact_points": [{"channel": "email"}]}),
    ("lead", {"data.note": "for the kitchen", "data.need": LEFT_OUT}),
]


@pytest.mark.parametrize(("of", "change"), UNFIT)
def test_what_does_not_fit_is_refused_for_that(desk: Desk, of: str, change: dict[str, Any]) -> None:
    type_ = f"partner.{of}.v1"
    content = changed(type_, change)
    assert not fits(type_, content)
    assert isinstance(desk.send(content).error, UnfitError)


def test_of_what_terms_accept_that_is_described_which_there_is() -> None:
    terms = accepting("lead", "availability", "gossip", scope="all")
    assert accepted_types(Terms.model_validate(terms)) == ["partner.availability.v1", "partner.lead.v1"]


def test_the_refusals_that_are_described_have_their_status() -> None:
    named: dict[type[RefusedError], int] = {error: status for status, found in REFUSALS.items() for error in found}
    assert {error: status_of(error) for error in named} == named
    assert EventFormError in named
