"""What one way of being told, or of telling us, adds to a feed's AsyncAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from adapters.documents.contents import Schema

MEDIA_TYPE = "application/cloudevents+json"
HTTP_BINDING = "0.3.0"
NOTHING: Mapping[str, Any] = {}


class Part(NamedTuple):
    """Of an AsyncAPI document, by their names in it."""

    servers: Mapping[str, Schema] = NOTHING
    channels: Mapping[str, Schema] = NOTHING
    operations: Mapping[str, Schema] = NOTHING
    messages: Mapping[str, Schema] = NOTHING
    schemas: Mapping[str, Schema] = NOTHING
    security: Mapping[str, Schema] = NOTHING


def ref(place: str, name: str) -> Schema:
    return {"$ref": f"#/{place}/{name}"}


def named(messages: Iterable[str]) -> Schema:
    """A channel's messages."""
    return {name: ref("components/messages", name) for name in messages}


def message(type_: str, example: Mapping[str, Any] | None, **more: Any) -> Schema:
    """A whole event, as JSON."""
    examples = {"examples": [{"payload": example}]} if example else {}
    return {"name": type_, "contentType": MEDIA_TYPE, "payload": ref("components/schemas", type_), **more, **examples}


def over_http(method: str) -> Schema:
    """An operation's binding."""
    return {"http": {"method": method, "bindingVersion": HTTP_BINDING}}
