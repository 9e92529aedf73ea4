"""What a partner is told, by whichever way, and may send is described: it fits, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from adapters.documents.contents import OpenTopics
from adapters.documents.feed import FeedDocuments, version_of
from adapters.webhooks.signing import Signer
from domain.agreement.decider import Agreement
from domain.agreement.terms import AGGREGATES, Mask, Scope, Terms
from domain.catalogue import REGISTRY
from domain.endpoint.decider import Endpoint, Numbered
from domain.endpoint.facts import Signing
from domain.errors import UnknownError
from domain.fact import Fact
from domain.partner.facts import PartnerId
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.feeds.envelopes import OWN
from streams.feeds.records import encode_told
from streams.feeds.sandbox import Sandbox
from streams.feeds.shapes import data_schema
from streams.inbound.types import TYPES
from streams.webhooks.messages import PING, SCHEMES, message_of, ping_of
from streams.webhooks.schedule import WELL, Answer, GivenUp, after
from tests.documented import require_message, require_record, schema_in, topics
from tests.webhook_fakes import KeptPrints, KeptSecrets

assert REGISTRY  # imported, it has registered every type
FEED, PARTNER = UUID(int=7), PartnerId(UUID(int=8))
SOURCE = f"/relato/test/feeds/{FEED}"
SHOWN = sorted(
    type_ for type_ in Fact.types if type_.split(".")[1] in AGGREGATES[Scope.ALL] and type_.startswith("crm.")
)
ORDERS = {"type": "crm.order.placed.v1", "fields": ["number", "lines.quantity", "note"]}

ACCEPTED = ((), ("partner.lead.v1",), tuple(sorted(TYPES)))
OPEN = ((), (topics("olaria"),), (topics("olaria", ""), topics("luz", "127.0.0.1:9092", "SASL_PLAINTEXT")))


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


def accepting(types: Iterable[str], open_topics: Sequence[OpenTopics] = ()) -> FeedDocuments:
    accepts = [{"type": type_} for type_ in types]
    terms = Terms.model_validate({"purpose": "x", "scope": "all", "shows": [ORDERS], "accepts": accepts})
    return FeedDocuments(FEED, Agreement(PARTNER, (terms,), 1), 1, SOURCE, open_topics)


def in_json(made: Any) -> Any:
    return json.loads(json.dumps(made))


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


@pytest.mark.parametrize("accepts", ACCEPTED, ids=["nothing", "leads", "everything"])
@pytest.mark.parametrize("open_topics", OPEN, ids=["no-topic", "a-topic", "two-topics"])
def test_every_reference_in_the_documents_leads_somewhere(
    accepts: Sequence[str], open_topics: Sequence[OpenTopics]
) -> None:
    found = accepting(accepts, open_topics)
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
    found = accepting(TYPES, OPEN[1])
    messages = found.asyncapi["components"]["messages"]
    for name, message in messages.items():
        for example in message.get("examples", ()):
            require_message(found.asyncapi, name, in_json(example["payload"]), example.get("headers"))
    assert [name for name in messages if "examples" not in messages[name]] == [f"webhook.{PING}"]
    bodies = [found.openapi["webhooks"]["event"]["post"]["requestBody"]]
    bodies += [path["post"]["requestBody"] for path in found.openapi["paths"].values() if "post" in path]
    for content in (content for body in bodies for content in body["content"].values()):
        examples = [one["value"] for one in content.get("examples", {}).values()]
        for example in [*examples, *([content["example"]] if "example" in content else [])]:
            schema_in(found.openapi, content["schema"]).validate(in_json(example))


@pytest.mark.parametrize("accepts", ACCEPTED, ids=["nothing", "leads", "everything"])
def test_what_may_be_sent_is_described_and_where_nothing_is_accepted_nothing(accepts: Sequence[str]) -> None:
    found = accepting(accepts)
    asyncapi, paths = found.asyncapi, found.openapi["paths"]
    received = [one for one in asyncapi["operations"].values() if one["action"] == "receive"]
    assert [one["channel"]["$ref"] for one in received] == (["#/channels/inbound"] if accepts else [])
    assert asyncapi["channels"].get("inbound", {}).get("messages", {}).keys() == set(accepts)
    assert {path.rpartition("/")[2] for path in paths if "/inbound" in path} == (
        {"inbound", "verdict"} if accepts else set()
    )
    assert {name for name in found.files if "partner." in name} == {f"schemas/{type_}.json" for type_ in accepts}
    if not accepts:
        assert all(word not in json.dumps(in_json(found.files)) for word in ("partner.", "inbound", "Verdict"))


def test_what_may_be_sent_is_no_event_of_the_feed() -> None:
    found = accepting(TYPES)
    for type_ in TYPES:
        sent = in_json(found.taken.examples[type_])
        assert schema_of(found.schemas[type_]).is_valid(sent)
        assert not schema_of(found.schema).is_valid(sent)


def test_a_topic_is_described_to_whom_it_is_open_and_its_password_to_nobody() -> None:
    found = accepting(TYPES, OPEN[1]).asyncapi
    servers = {name: (one["host"], one["protocol"]) for name, one in found["servers"].items() if "kafka" in name}
    assert servers == {"kafka-1": ("kafka-1:9093", "kafka-secure"), "kafka-2": ("kafka-2:9093", "kafka-secure")}
    assert found["components"]["securitySchemes"]["scram"]["type"] == "scramSha512"
    assert "partner-olaria" in found["components"]["securitySchemes"]["scram"]["description"]
    channels, operations = found["channels"], found["operations"]
    reading, writing = "crm.partner.olaria.v1", "crm.partner.olaria.inbound.v1"
    assert [channels[one]["bindings"]["kafka"]["partitions"] for one in (reading, writing)] == [1, 1]
    assert operations[f"send.{reading}"]["action"] == "send"
    groups = operations[f"send.{reading}"]["bindings"]["kafka"]["groupId"]
    assert schema_of(groups).is_valid("partner-olaria.feed")
    assert not schema_of(groups).is_valid("partner-olaria2.feed")
    assert operations[f"receive.{writing}"]["action"] == "receive"
    for elsewhere in ("feed", "webhook", "inbound"):
        assert all("kafka" not in server["$ref"] for server in channels[elsewhere]["servers"])


def test_a_topic_to_write_to_is_described_where_something_is_accepted_and_none_where_none_is_open() -> None:
    assert "crm.partner.olaria.inbound.v1" not in accepting((), OPEN[1]).asyncapi["channels"]
    without = json.dumps(in_json(accepting(TYPES).asyncapi))
    assert all(word not in without for word in ("kafka-", "kafka.", "scram", "crm.partner."))


def test_where_brokers_are_not_known_their_address_is_left_open() -> None:
    (server,) = (
        one for name, one in accepting((), [topics("olaria", "")]).asyncapi["servers"].items() if "kafka" in name
    )
    assert (server["host"], *server["variables"]) == ("{kafka}", "kafka")


@pytest.mark.parametrize("shows", [everything(None), [ORDERS]], ids=["everything", "orders"])
def test_a_record_as_the_relay_makes_it_fits(shows: list[dict[str, Any]]) -> None:
    asyncapi = FeedDocuments(FEED, agreed(shows), 1, SOURCE, OPEN[1]).asyncapi
    for event in sandbox(agreed(shows)):
        row = encode_told(event, 0, b"t" * 16)
        require_record(asyncapi, row.key, row.value, dict(row.headers))


@pytest.mark.parametrize("signing", Signing)
def test_a_message_as_it_is_sent_to_a_webhook_fits(signing: Signing) -> None:
    found = accepting(())
    at = datetime(2026, 3, 5, tzinfo=UTC)
    endpoint = Endpoint(signing=signing, secrets=(Numbered(1, at + timedelta(hours=1)), Numbered(2)))
    signer = Signer(KeptSecrets(), KeptPrints())
    operation = found.openapi["webhooks"]["event"]["post"]
    body = schema_in(found.openapi, operation["requestBody"]["content"]["application/cloudevents+json"]["schema"])
    messages = [message_of(FEED, event) for event in sandbox(agreed([ORDERS]))]
    for message in (*messages, ping_of("/relato/test", FEED, 7)):
        headers, event = signer.headers(UUID(int=1), endpoint, message, at), json.loads(message.body)
        require_message(found.asyncapi, f"webhook.{event['type']}", event, headers)
        body.validate(event)
        assert headers["webhook-signature"].count(f"{SCHEMES[signing]},") == 2
        assert headers["Content-Type"].startswith("application/cloudevents+json")
        for parameter in operation["parameters"]:
            assert schema_of(parameter["schema"]).is_valid(headers[parameter["name"]])
    assert {one["name"] for one in operation["parameters"]} == {name for name in headers if name.startswith("webhook-")}


def test_the_answers_of_a_webhook_are_those_that_the_worker_knows() -> None:
    responses = accepting(()).openapi["webhooks"]["event"]["post"]["responses"]
    assert responses.keys() == {"2XX", "410", "429", "503", "default"}
    now = datetime(2026, 3, 5, tzinfo=UTC)
    for status, outcome in ((200, WELL), (299, WELL)):
        assert after(WELL, Answer(status), now, lambda: 0.0) == outcome
    assert isinstance(after(WELL, Answer(410), now, lambda: 0.0), GivenUp)
    for status in (429, 503):
        assert "Retry-After" in responses[str(status)]["headers"]
        paused = after(WELL, Answer(status, retry_after="60"), now, lambda: 0.0)
        assert (paused.due, paused.failures) == (now + timedelta(seconds=60), 0)  # type: ignore[union-attr]
    assert "after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h" in responses["default"]["description"]


def test_the_version_is_the_one_in_force_or_the_newest_before_any_is() -> None:
    assert version_of(FEED, agreed([ORDERS], [ORDERS]), None) == 2
    assert version_of(FEED, agreed([ORDERS], [ORDERS], in_force=1), None) == 1
    assert version_of(FEED, agreed([ORDERS], [ORDERS], in_force=1), 2) == 2
    with pytest.raises(UnknownError):
        version_of(FEED, agreed([ORDERS]), 2)


def test_the_files_have_the_names_that_notices_of_change_give() -> None:
    files = documents(agreed([ORDERS])).files
    assert {"asyncapi.json", "openapi.json", "schemas.json", "schemas/crm.order.placed.v1.json"} < files.keys()
