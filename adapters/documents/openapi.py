"""The OpenAPI document of a feed: how its partner asks, answers tombstones, tries it out, sends, and is sent to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.documents.contents import Contents, Schema
from adapters.documents.inbound import PROBLEM_TYPE, inbound_paths, inbound_schemas
from adapters.documents.webhooks import SIGNATURE, webhook
from adapters.http.schemas import PROBLEM
from streams.webhooks.messages import PING

REF = "#/components/schemas/{name}"
DESCRIPTION = (
    "Keep `next` with what you made of the events, and ask with it again. While the feed is open its numbers have no"
    " gaps; once the agreement has ended, tombstones alone are told."
)


def openapi(contents: Contents) -> Schema:
    path, told = contents.path, contents.told.schemas
    page = _page(contents.told.examples)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Feed: {contents.purpose}",
            "version": str(contents.version),
            "description": DESCRIPTION,
        },
        "paths": {
            path: {"get": _reading("readFeed", "The feed", page)},
            f"{path}/sandbox": {"get": _reading("readSandbox", "Made-up events in the same form", page)},
            f"{path}/acknowledged": {"post": _acknowledging()},
            **inbound_paths(contents, PROBLEMS),
        },
        "webhooks": {"event": {"post": webhook(contents)}},
        "components": {
            "schemas": {
                "Problem": PROBLEM,
                "Event": {"oneOf": [_ref(name) for name in told]},
                "Page": PAGE,
                **told,
                PING: contents.ping,
                **inbound_schemas(contents),
            },
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Your API key."},
                "signature": SIGNATURE,
            },
        },
        "security": [{"key": []}],
    }


def _ref(name: str) -> Schema:
    return {"$ref": REF.format(name=name)}


HEAD: Schema = {
    "type": "object",
    "required": ["feed_seq", "caught_up", "complete_until"],
    "properties": {
        "feed_seq": {"type": "integer", "description": "The feed's last number."},
        "caught_up": {"type": "boolean"},
        "complete_until": {"type": ["string", "null"], "format": "date-time"},
    },
}
PAGE: Schema = {
    "type": "object",
    "required": ["events", "next", "token", "head"],
    "properties": {
        "events": {"type": "array", "items": _ref("Event")},
        "next": {"type": "integer", "description": "What to ask after."},
        "token": {"type": "string", "description": "The same; refused where we would tell something else by now."},
        "head": HEAD,
    },
}
NUMBER: Schema = {"type": "integer", "minimum": 0}
PLACE: Schema = {"type": "string", "pattern": r"^[0-9]{1,18}(\.[0-9a-f]{12})?$"}
PARAMETERS: list[Schema] = [
    {"name": "after", "in": "query", "schema": PLACE, "description": "The last number you have, or `token`."},
    {"name": "limit", "in": "query", "schema": NUMBER | {"minimum": 1, "maximum": 1_000}},
    {
        "name": "wait",
        "in": "query",
        "schema": NUMBER | {"maximum": 30},
        "description": "Seconds, where there is nothing.",
    },
    {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
    {"name": "Last-Event-ID", "in": "header", "schema": PLACE, "description": "As `after`, of a stream."},
]


def _page(examples: Mapping[str, Any]) -> Schema:
    events = sorted(examples.values(), key=lambda event: event["feedseq"])
    last = events[-1]["feedseq"] if events else 0
    head = {"feed_seq": last, "caught_up": True, "complete_until": None}
    return {"events": events, "next": last, "token": str(last), "head": head}


def _reading(name: str, summary: str, page: Schema) -> Schema:
    content = {
        "application/json": {"schema": _ref("Page"), "example": page},
        "text/event-stream": {"schema": {"type": "string"}},
    }
    found: Schema = {"200": {"description": "Events and how far the feed goes.", "content": content},
             "304": {"description": "It is as you have it."}}  # fmt: skip
    return {"operationId": name, "summary": summary, "parameters": PARAMETERS, "responses": {**found, **PROBLEMS}}


def _acknowledging() -> Schema:
    through: Schema = {"type": "object", "required": ["through"], "properties": {"through": NUMBER | {"minimum": 1}}}
    answer: Schema = {"type": "object", "required": ["acknowledged"], "properties": {"acknowledged": NUMBER}}
    return {
        "operationId": "acknowledgeTombstones",
        "summary": "What the tombstones up to a number ask for is done",
        "requestBody": {"required": True, "content": {"application/json": {"schema": through}}},
        "responses": {"200": {"description": "Up to where it is acknowledged.",
                              "content": {"application/json": {"schema": answer}}}, **PROBLEMS},
    }  # fmt: skip


PROBLEMS: Mapping[str, Schema] = {
    "default": {"description": "What is wrong.", "content": {PROBLEM_TYPE: {"schema": _ref("Problem")}}}
}
