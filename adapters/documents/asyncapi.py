"""The AsyncAPI document of a feed: the messages that its partner gets, by whichever way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from streams.feeds.envelopes import bare

MEDIA_TYPE = "application/cloudevents+json"
DESCRIPTION = (
    "What the agreement lets you know, event by event, numbered by `feedseq`. The same events come by HTTP, as"
    " server-sent events, to a webhook, and on a topic of Kafka, where those are set up."
)


def asyncapi(
    feed: UUID, version: int, purpose: str, schemas: Mapping[str, Any], examples: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:relato:feed:{feed}",
        "info": {"title": f"Feed: {purpose}", "version": str(version), "description": DESCRIPTION},
        "defaultContentType": MEDIA_TYPE,
        "channels": {
            "feed": {
                "address": f"/v1/feeds/{feed}",
                "description": "Page by page, or followed as text/event-stream.",
                "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in schemas},
            }
        },
        "operations": {"tell": {"action": "send", "channel": {"$ref": "#/channels/feed"}}},
        "components": {
            "messages": {type_: _message(type_, examples.get(type_)) for type_ in schemas},
            "schemas": {type_: bare(schema) for type_, schema in schemas.items()},
        },
    }


def _message(type_: str, example: Any) -> dict[str, Any]:
    examples = {"examples": [{"payload": example}]} if example else {}
    payload = {"$ref": f"#/components/schemas/{type_}"}
    return {"name": type_, "contentType": MEDIA_TYPE, "payload": payload, **examples}
