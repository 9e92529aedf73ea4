"""What is published is described, and may only grow."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from deploy.schemas.__main__ import FOLDER, main
from deploy.schemas.asyncapi import document
from deploy.schemas.breaking import broken_topics, broken_types
from deploy.schemas.facts import published, published_alerts
from deploy.schemas.kept import BreakingSchemaError, StaleSchemaError, read, require_current, write
from domain import catalogue
from domain.event import Event
from domain.fact import Fact
from domain.personal import TOKEN_PATTERN
from streams.departments import DEPARTMENTS
from streams.envelope import encode
from streams.shares import encoder_of
from streams.topics import TOPICS

GOLDEN = Path(__file__).parent.parent / "golden"
TYPE = "crm.parcel.sent.v1"
PARCEL: dict[str, Any] = {
    "type": "object",
    "$defs": {
        "Size": {"enum": ["small", "large"], "type": "string"},
        "Line": {"type": "object", "properties": {"amount": {"type": "integer", "maximum": 9}}, "required": ["amount"]},
    },
    "properties": {
        "weight_g": {"type": "integer"},
        "carrier": {"type": "string"},
        "size": {"$ref": "#/$defs/Size"},
        "entity": {"type": "string", "const": "customer"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
    },
    "required": ["weight_g"],
}


def changed(*path: str, to: Any = None) -> dict[str, Any]:
    """The parcel's schema with one place another, or without it."""
    schema = deepcopy(PARCEL)
    place = schema
    for name in path[:-1]:
        place = place[name]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return schema


def broken(schema: dict[str, Any]) -> list[str]:
    return list(broken_types({TYPE: PARCEL}, {TYPE: schema}))


def test_the_kept_schemas_are_those_of_the_code() -> None:
    assert catalogue.REGISTRY
    assert main(["check"]) == 0
    assert read(FOLDER).facts.keys() == published().keys() | published_alerts().keys()


@pytest.mark.parametrize("type_", sorted(published()))
def test_a_schema_has_every_field_of_its_golden_payload_and_asks_for_no_other(type_: str) -> None:
    schema, payload = published()[type_], json.loads((GOLDEN / f"{type_}.json").read_bytes())
    assert payload.keys() == schema.get("properties", {}).keys()
    assert set(schema.get("required", ())) <= payload.keys()


def test_a_personal_value_is_described_in_its_sealed_form_alone() -> None:
    for type_, schema in published().items():
        for name, field in Fact.types[type_].model_fields.items():
            if "Sealed" in str(field.annotation):
                assert schema["properties"][name]["pattern"] == TOKEN_PATTERN


def test_what_is_sent_is_open_to_new_fields_and_never_null() -> None:
    text = json.dumps(published() | published_alerts())
    assert "additionalProperties" not in text
    assert '"null"' not in text


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (changed("properties", "carrier"), "carrier is gone"),
        (changed("required", to=["weight_g", "carrier"]), "carrier is required now, but facts are stored without it"),
        (changed("required", to=[]), "weight_g may be absent now, but readers rely on it"),
        (changed("properties", "weight_g", to={"type": "string"}), "weight_g had the type integer, now string"),
        (changed("properties", "carrier", "format", to="uuid"), "carrier had the format none, now uuid"),
        (changed("$defs", "Size", "enum", to=["small"]), "size allows large no more"),
        (changed("properties", "carrier", "enum", to=["post"]), "carrier allows only post"),
        (changed("properties", "entity", "const", to="order"), "entity allows customer no more"),
        (changed("$defs", "Line", "properties", "amount", "maximum", to=5), "lines[].amount is narrower: maximum 5"),
        (changed("properties", "weight_g", "minimum", to=1), "weight_g is narrower: minimum 1, before none"),
        (changed("$defs", "Line", "required", to=["amount", "currency"]), "lines[].currency is new and required"),
    ],
)
def test_what_stored_facts_or_readers_could_not_bear_is_named(schema: dict[str, Any], sentence: str) -> None:
    found = broken(schema)
    assert len(found) == 1
    assert found[0].startswith(f"{TYPE}: {sentence}")


@pytest.mark.parametrize(
    "schema",
    [
        PARCEL,
        changed("properties", "insured", to={"type": "boolean"}),
        changed("$defs", "Size", "enum", to=["small", "medium", "large"]),
        changed("properties", "entity", to={"type": "string", "enum": ["customer", "order"]}),
        changed("$defs", "Line", "properties", "amount", "maximum", to=99),
        changed("$defs", "Line", "properties", "currency", to={"type": "string"}),
        changed("properties", "carrier", "description", to="who carries it"),
        changed("properties", "size", to={"type": "string", "enum": ["small", "large"]}),
    ],
)
def test_what_is_added_breaks_nothing(schema: dict[str, Any]) -> None:
    assert broken(schema) == []


def test_a_type_that_is_gone_breaks_those_who_stored_it() -> None:
    assert [*broken_types({TYPE: PARCEL}, {})] == [
        f"{TYPE} is gone, but its facts are kept for ever: bring it back, or register an upcaster from it"
    ]


def test_a_topic_neither_goes_away_nor_changes_its_partitions() -> None:
    kept = document("1", [TYPE])
    fewer, other = deepcopy(kept), deepcopy(kept)
    del fewer["channels"]["checkpoints"]
    other["channels"]["events"]["bindings"]["kafka"]["partitions"] = 128
    assert list(broken_topics(kept, kept)) == []
    assert list(broken_topics(kept, fewer)) == [
        "the topic crm.checkpoints.v1 is gone: leave it, and add another beside it"
    ]
    assert [sentence.partition(":")[0] for sentence in broken_topics(kept, other)] == [
        "crm.events.v1 had 64 partitions"
    ]


def test_the_document_names_every_topic_and_every_reference_leads_somewhere() -> None:
    made = document("1", published())
    assert {channel["address"] for channel in made["channels"].values()} == {topic.name for topic in TOPICS}
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(made)):
        file, _, place = reference.partition("#/")
        found = json.loads((FOLDER / file).read_text()) if file else made
        for name in place.split("/") if place else ():
            found = found[name]


@pytest.mark.parametrize("trait", ["event", "share"])
def test_the_described_headers_are_those_of_a_record(trait: str) -> None:
    now, some = datetime.now(UTC), uuid4()
    event = Event(
        1, 0, 1, some, 1, some, 1, some, some, some, some, now, now, TYPE, "user:1", "command", b"{}", b"", b""
    )
    share = encoder_of(DEPARTMENTS["sales"], "/relato/test")
    record = encode(event, "/relato/test") if trait == "event" else share(event, 0, 0)
    headers = dict(record.headers)
    described = document("1", published())["components"]["messageTraits"][trait]["headers"]["properties"]
    assert headers.keys() == described.keys()
    row = TypeAdapter(dict[str, Any]).validate_json(headers["relato"])
    kinds = {name: "integer" if isinstance(value, int) else "string" for name, value in row.items()}
    assert kinds == {name: part["type"] for name, part in described["relato"]["contentSchema"]["properties"].items()}


def test_a_breaking_change_is_not_written_and_says_what_to_do(tmp_path: Path) -> None:
    assert write(tmp_path, "1", {TYPE: PARCEL}) == [f"{TYPE}.json", "asyncapi.json"]
    before = (tmp_path / f"{TYPE}.json").read_text()
    with pytest.raises(BreakingSchemaError, match=r"carrier is gone\n.*a new class with TYPE …v2.*@upcast"):
        write(tmp_path, "1", {TYPE: changed("properties", "carrier")})
    assert (tmp_path / f"{TYPE}.json").read_text() == before


def test_what_is_not_written_yet_is_named_with_the_command_that_writes_it(tmp_path: Path) -> None:
    write(tmp_path, "1", {TYPE: PARCEL})
    grown = {TYPE: changed("properties", "insured", to={"type": "boolean"})}
    with pytest.raises(StaleSchemaError, match=rf"run `make schemas`.*: files {TYPE}\.json\."):
        require_current(tmp_path, "1", grown)
    assert write(tmp_path, "1", grown) == [f"{TYPE}.json"]
    require_current(tmp_path, "1", grown)


def test_a_type_that_is_only_read_any_more_keeps_its_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "1", {TYPE: PARCEL})
    newer = {"crm.parcel.sent.v2": changed("properties", "carrier")}
    monkeypatch.setitem(Fact.upcasters, TYPE, ("crm.parcel.sent.v2", dict))
    assert write(tmp_path, "1", newer) == ["crm.parcel.sent.v2.json", "asyncapi.json"]
    require_current(tmp_path, "1", newer)
    assert TYPE in read(tmp_path).topics["channels"]["events"]["messages"]


def test_a_word_too_many_is_answered_with_what_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert "say `python -m deploy.schemas write`" in capsys.readouterr().err
