"""Kafka's topics in an AsyncAPI document: their settings, and a feed's events there in CloudEvents' binary mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.documents.contents import Contents, Events, OpenTopics, Schema
from adapters.documents.parts import Part, named, ref
from streams.envelope import ROW
from streams.inbound.cloud import PREFIX
from streams.topics import TopicSpec

BINDING = "0.5.0"
NUMERIC = ("retention.ms", "retention.bytes", "max.message.bytes")
TEXT: Schema = {"type": "string"}
DIGITS: Schema = {"type": "string", "pattern": "^[0-9]+$"}
ROW_TAG: Mapping[str, Schema] = {ROW: TEXT | {"description": "For us."}}
KEY: Schema = TEXT | {"description": f"`{PREFIX}subject`."}
ON_READING = (
    "The feed, record by record, for as long as `retention.ms` says. Drop a record whose `ce_feedseq` is not beyond the"
    " last one you have; where numbers are missing, read them by pull. What the feed says itself has no key."
)
ON_WRITING = (
    "In CloudEvents' binary mode, or structured, with the header `content-type: application/cloudevents+json`. They are"
    " taken in their order. What is refused is held, and told by HTTP."
)


def binding(**settings: Any) -> Schema:
    return {"kafka": {**settings, "bindingVersion": BINDING}}


def topic_binding(topic: TopicSpec) -> Schema:
    settings: dict[str, Any] = {
        name: int(value) if name in NUMERIC else value for name, value in sorted(topic.config.items())
    }
    settings["cleanup.policy"] = [settings["cleanup.policy"]]
    return binding(topic=topic.name, partitions=topic.partitions, topicConfiguration=settings)


def over_kafka(contents: Contents) -> Part:
    """Nothing where no topic is open."""
    if not contents.topics:
        return Part()
    channels, operations = dict[str, Schema](), dict[str, Schema]()
    servers = _servers(contents.topics[0])
    for one in contents.topics:
        reading, writing = one.topic.name, one.inbound.name
        channels[reading] = _channel(one.topic, ON_READING, servers, contents.told.schemas)
        groups = TEXT | {"pattern": f"^{one.group_prefix.replace('.', '[.]')}", "description": "Of your consumers."}
        operations[f"send.{reading}"] = _operation("send", reading, bindings=binding(groupId=groups))
        if contents.taken.schemas:
            channels[writing] = _channel(one.inbound, ON_WRITING, servers, contents.taken.schemas)
            channels[writing]["messages"] |= named(contents.taken.schemas)
            operations[f"receive.{writing}"] = _operation("receive", writing)
    users = ", ".join(one.settings["sasl.username"] for one in contents.topics)
    return Part(
        servers=servers,
        channels=channels,
        operations=operations,
        messages={**_messages(contents.told, ROW_TAG), **_messages(contents.taken, {})},
        security={"scram": {"type": "scramSha512", "description": f"User {users}; the password was given to you."}},
    )


def headers_of(event: Schema, more: Mapping[str, Schema]) -> Schema:
    """Of a record: all attributes of the events that fulfil this schema, as texts."""
    told = {name: _as_text(part) for name, part in event["properties"].items() if name != "data"}
    needed = [_header(name) for name in event["required"] if name != "data"]
    properties = {_header(name): part for name, part in told.items()}
    return {"type": "object", "required": needed, "properties": {**properties, **more}}


def _header(attribute: str) -> str:
    return "content-type" if attribute == "datacontenttype" else f"{PREFIX}{attribute}"


def _as_text(part: Schema) -> Schema:
    if part.get("type") != "integer":
        return part
    return DIGITS | {name: text for name, text in part.items() if name == "description"}


def _servers(one: OpenTopics) -> Mapping[str, Schema]:
    """Each address of those that `relato partner add` tells."""
    protocol = "kafka" if one.settings.get("security.protocol") == "SASL_PLAINTEXT" else "kafka-secure"
    more = {"protocol": protocol, "security": [ref("components/securitySchemes", "scram")]}
    if known := [host for host in one.settings.get("bootstrap.servers", "").split(",") if host]:
        return {f"kafka-{n}": {"host": host.strip(), **more} for n, host in enumerate(known, 1)}
    told = {"kafka": {"description": "One of bootstrap.servers, as you were given them."}}
    return {"kafka-1": {"host": "{kafka}", "variables": told, **more}}


def _channel(topic: TopicSpec, description: str, servers: Mapping[str, Schema], types: Mapping[str, Schema]) -> Schema:
    return {
        "address": topic.name,
        "description": description,
        "servers": [ref("servers", name) for name in servers],
        "messages": named(f"kafka.{type_}" for type_ in types),
        "bindings": topic_binding(topic),
    }


def _operation(action: str, topic: str, **more: Any) -> Schema:
    return {"action": action, "channel": ref("channels", topic), **more}


def _messages(events: Events, more: Mapping[str, Schema]) -> Mapping[str, Schema]:
    """`more`: further headers. Where a subject is told, it is the key."""
    return {
        f"kafka.{type_}": {
            "name": type_,
            "contentType": "application/json",
            "headers": headers_of(schema, more),
            "payload": ref("components/schemas", f"{type_}/properties/data"),
            **({"bindings": binding(key=KEY)} if "subject" in schema["properties"] else {}),
            **({"examples": [_example(events.examples[type_])]} if type_ in events.examples else {}),
        }
        for type_, schema in events.schemas.items()
    }


def _example(event: Mapping[str, Any]) -> Schema:
    headers = {_header(name): str(value) for name, value in event.items() if name != "data"}
    return {"headers": headers, "payload": event["data"]}
