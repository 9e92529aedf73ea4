"""The AsyncAPI document of a feed: the messages that its partner gets and may send, by whichever way.

It is ours: we `send` what the partner is told, and `receive` what it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.documents.contents import Contents, Schema
from adapters.documents.inbound import sent_to_us
from adapters.documents.kafka import over_kafka
from adapters.documents.parts import MEDIA_TYPE, Part, message, named, over_http, ref
from adapters.documents.webhooks import pushed

DESCRIPTION = (
    "What the agreement lets you know, event by event, numbered by `feedseq`. The same events come by HTTP, as"
    " server-sent events, to a webhook, and on a topic of Kafka, where those are set up. We `send` them; what we"
    " `receive` is what you may send us, if the agreement accepts anything."
)
API: Schema = {
    "host": "{host}",
    "protocol": "https",
    "description": "Where you ask us.",
    "variables": {"host": {"description": "The name and port under which you reach us."}},
    "security": [ref("components/securitySchemes", "key")],
}
KEY: Schema = {"type": "http", "scheme": "bearer", "description": "Your API key."}


def asyncapi(contents: Contents) -> Schema:
    parts = [_pulled(contents), pushed(contents), sent_to_us(contents), over_kafka(contents)]

    def all_of(name: str) -> Mapping[str, Any]:
        return {key: value for part in parts for key, value in getattr(part, name).items()}

    return {
        "asyncapi": "3.0.0",
        "id": f"urn:relato:feed:{contents.feed}",
        "info": {
            "title": f"Feed: {contents.purpose}",
            "version": str(contents.version),
            "description": DESCRIPTION,
        },
        "defaultContentType": MEDIA_TYPE,
        "servers": all_of("servers"),
        "channels": all_of("channels"),
        "operations": all_of("operations"),
        "components": {
            "messages": all_of("messages"),
            "schemas": all_of("schemas"),
            "securitySchemes": all_of("security"),
        },
    }


def _pulled(contents: Contents) -> Part:
    schemas, examples = contents.told
    channel = {
        "address": contents.path,
        "description": "Page by page, or followed as text/event-stream.",
        "servers": [ref("servers", "api")],
        "messages": named(schemas),
    }
    return Part(
        servers={"api": API},
        channels={"feed": channel},
        operations={"tell": {"action": "send", "channel": ref("channels", "feed"), "bindings": over_http("GET")}},
        messages={type_: message(type_, examples.get(type_)) for type_ in schemas},
        schemas=schemas,
        security={"key": KEY},
    )
