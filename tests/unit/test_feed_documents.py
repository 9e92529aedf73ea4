"""What a partner is shown is described: each event, made up or real, fits its schema, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from adapters.documents.feed import FeedDocuments, version_of
from domain.agreement.decider import Agreement
from domain.agreement.terms import AGGREGATES, Mask, Scope, Terms
from domain.catalogue import REGISTRY
from domain.errors import UnknownError
from domain.fact import Fact
from domain.partner.facts import PartnerId
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.feeds.envelopes import OWN
from streams.feeds.sandbox import Sandbox
from streams.feeds.shapes import data_schema

assert REGISTRY  # imported, it has registered every type
FEED, PARTNER = UUID(int=7), PartnerId(UUID(int=8))
SOURCE = "/relato/test/feeds/7"
SHOWN = sorted(
    type_ for type_ in Fact.types if type_.split(".")[1] in AGGREGATES[Scope.ALL] and type_.startswith("crm.")
)
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.quantity", "note"]}


def agreed(*versions: list[dict[str, Any]], in_force: int | None = None) -> Agreement:
    terms = [Terms.model_validate({"purpose": "x", "scope": "all", "shows": shows}) for shows in versions]
    return Agreement(PARTNER, tuple(terms), in_force)


def everything(mask: Mask | None) -> list[dict[str, Any]]:
    fields = {type_: list(Fact.types[type_].model_fields) for type_ in SHOWN}
    masks = {type_: dict.fromkeys(named, mask) if mask else {} for type_, named in fields.items()}
    return [{"type": type_, "fields": named, "masks": masks[type_]} for type_, named in fields.items()]


def schema_of(described: Mapping[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(dict(described), validate_formats=True)


def documents(agreement: Agreement, version: int = 1) -> FeedDocuments:
    return FeedDocuments(FEED, agreement, version, SOURCE)


def sandbox(agreement: Agreement, version: int = 1) -> list[Any]:
    return json.loads(json.dumps(Sandbox(FEED, agreement, version, SOURCE).events()))  # type: ignore[no-any-return]


@pytest.mark.parametrize("mask", [None, *Mask])
def test_every_made_up_event_of_every_type_under_every_mask_fits(mask: Mask | None) -> None:
    agreement = agreed(everything(mask))
    fits = schema_of(documents(agreement).schema)
    events = sandbox(agreement)
    for event in events:
        fits.validate(event)
    assert {event["type"] for event in events} == {*SHOWN, WITHHELD, TOMBSTONE, CHANGED}
    assert {event["source"] for event in events} == {f"{SOURCE}/sandbox"}
    assert [event["feedseq"] for event in events] == list(range(1, len(events) + 1))


def test_a_sandbox_is_the_same_each_time_and_another_for_each_version() -> None:
    agreement = agreed([ORDERS], [ORDERS])
    assert sandbox(agreement) == sandbox(agreement)
    assert [one["data"] for one in sandbox(agreement, 2)] != [one["data"] for one in sandbox(agreement)]


def test_a_subject_comes_again_and_a_tombstone_is_about_one_that_came() -> None:
    events = sandbox(agreed([ORDERS]))
    tombstone = next(one for one in events if one["type"] == TOMBSTONE)
    before = events[: tombstone["feedseq"] - 1]
    assert tombstone["data"]["subject"] in {one.get("subject") for one in before}
    assert len({one["subject"] for one in events if "subject" in one}) < len(events) / 2


def event_of(data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    found = next(one for one in sandbox(agreed([ORDERS])) if one["type"] == ORDERS["type"])
    return {**found, "data": data, **more}


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        ({"number": "1", "lines": [{"quantity": 1}]}, True),
        ({"number": "1", "lines": [], "note": "at the back door"}, True),
        ({"number": "1", "lines": [{"quantity": 1, "amount_minor": 1}]}, False),
        ({"number": "1", "lines": [], "currency": "EUR"}, False),
        ({"number": "1"}, False),
        ({"number": 1, "lines": []}, False),
        ({"number": "1", "lines": [], "note": None}, False),
    ],
)
def test_only_what_is_shown_fits(data: dict[str, Any], *, fits: bool) -> None:
    schema = documents(agreed([ORDERS])).schemas["crm.order.placed.v1"]
    assert schema_of(schema).is_valid(event_of(data)) is fits


def test_what_was_entered_under_an_older_version_is_described_as_it_is_told_now() -> None:
    wider = {**ORDERS, "fields": ["number", "lines.quantity", "note", "currency"]}
    masked = {**wider, "masks": {"number": "first_letter"}}
    described = schema_of(data_schema(agreed([ORDERS], [wider], [masked]), 2, "crm.order.placed.v1"))
    for data in (
        {"number": "17", "lines": [], "currency": "EUR"},
        {"number": "17", "lines": []},
        {"number": "1…", "lines": [], "currency": "EUR"},
    ):
        assert described.is_valid(data), data
    assert not described.is_valid({"number": "17", "lines": [], "country": "PT"})


def test_what_the_feed_says_itself_is_described() -> None:
    schemas = documents(agreed([ORDERS])).schemas
    assert OWN.keys() < schemas.keys()
    found = {one["type"]: one for one in sandbox(agreed([ORDERS]))}
    for type_ in OWN:
        assert schema_of(schemas[type_]).is_valid(found[type_])
        assert not schema_of(schemas[type_]).is_valid({**found[type_], "data": {}})


def test_every_reference_in_the_documents_leads_somewhere() -> None:
    found = documents(agreed([ORDERS]))
    for document in (found.asyncapi, found.openapi, found.schema):
        for reference in set(_references(document)):
            place: Any = document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step.replace("~1", "/")]


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for one in part.values() for found in _references(one)]
    return [found for one in part for found in _references(one)] if isinstance(part, list) else []


def test_examples_fit_what_they_are_examples_of() -> None:
    found = documents(agreed([ORDERS]))
    for type_, message in found.asyncapi["components"]["messages"].items():
        (example,) = message["examples"]
        assert schema_of(found.schemas[type_]).is_valid(json.loads(json.dumps(example["payload"])))


def test_the_version_is_the_one_in_force_or_the_newest_before_any_is() -> None:
    assert version_of(FEED, agreed([ORDERS], [ORDERS]), None) == 2
    assert version_of(FEED, agreed([ORDERS], [ORDERS], in_force=1), None) == 1
    assert version_of(FEED, agreed([ORDERS], [ORDERS], in_force=1), 2) == 2
    with pytest.raises(UnknownError):
        version_of(FEED, agreed([ORDERS]), 2)


def test_the_files_have_the_names_that_notices_of_change_give() -> None:
    files = documents(agreed([ORDERS])).files
    assert {"asyncapi.json", "openapi.json", "schemas.json", "schemas/crm.order.placed.v1.json"} < files.keys()
