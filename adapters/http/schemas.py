"""The parts of the API's document that are written by hand: what is answered, and what every command takes."""

from __future__ import annotations

from typing import Any

from adapters.http.examples import AN_ID
from projections.view import View

Schema = dict[str, Any]
REF = "#/components/schemas/{model}"
PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` names the error, `details` are its own, `errors` name the places in the body.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "details": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
OUTCOME: Schema = {
    "type": "object",
    "title": "Outcome",
    "description": "What a command came to. No positions: nothing had to change.",
    "required": ["command", "command_id", "ids", "version", "repeated", "token", "positions"],
    "properties": {
        "command": {"type": "string"},
        "command_id": {"type": "string", "format": "uuid"},
        "ids": {"type": "object", "additionalProperties": {"type": "string", "format": "uuid"}},
        "version": {"type": ["integer", "null"], "description": "Of the stream; null when the command is a repeat."},
        "repeated": {"type": "boolean"},
        "token": {"type": "string"},
        "positions": {"type": "array", "items": {"type": "integer"}},
    },
    "examples": [
        {
            "command": "customer.register",
            "command_id": AN_ID,
            "ids": {"customer_id": AN_ID},
            "version": 1,
            "repeated": False,
            "token": "13.42",
            "positions": [1042],
        }
    ],
}
VERDICT: Schema = {
    "title": "Verdict",
    "description": "The outcome of one command of a batch, or the problem with it; `status` as if it had come alone.",
    "anyOf": [
        {"allOf": [{"$ref": REF.format(model="Outcome")}, {"type": "object", "required": ["status"]}]},
        {"$ref": REF.format(model="Problem")},
    ],
}
HEADERS: list[Schema] = [
    {"name": "Idempotency-Key", "in": "header", "description": "Yours: the same makes the command happen once.",
     "schema": {"type": "string", "minLength": 1, "maxLength": 255}},
    {"name": "If-Match", "in": "header", "description": "The version that you know, as its ETag gave it.",
     "schema": {"type": "string", "pattern": '^(W/)?"[0-9]{1,18}"$', "examples": ['"7"']}},
    {"name": "If-None-Match", "in": "header", "description": "`*`: only where there is nothing under the id yet.",
     "schema": {"type": "string", "const": "*"}},
    {"name": "Relato-Occurred-At", "in": "header", "description": "When it was true; now unless given.",
     "schema": {"type": "string", "format": "date-time"}},
]  # fmt: skip


def answer(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


OBJECT: Schema = {"type": "object"}
CUSTOMER_ANSWER = answer(
    "The profile, then by department the first rows of each read model.",
    {"type": "object", "required": ["customer_id", "profile"], "properties": {"profile": {"type": "array"}}},
)
HISTORY_ANSWER = answer(
    "Facts, and the `next` to ask for those after them.",
    {
        "type": "object",
        "required": ["facts", "next", "left_out"],
        "properties": {
            "facts": {"type": "array", "items": OBJECT},
            "next": {"type": ["integer", "null"]},
            "left_out": {"type": "integer", "minimum": 0},
        },
    },
)
FEED_ANSWER = answer(
    "Events, the `next` number to ask after, and how far the feed goes; as `text/event-stream`, as they come.",
    {
        "type": "object",
        "required": ["events", "next", "token", "head"],
        "properties": {
            "events": {"type": "array", "items": OBJECT},
            "next": {"type": "integer"},
            "token": {"type": "string"},
            "head": {
                "type": "object",
                "required": ["feed_seq", "caught_up", "complete_until"],
                "properties": {
                    "feed_seq": {"type": "integer"},
                    "caught_up": {"type": "boolean"},
                    "complete_until": {"type": ["string", "null"], "format": "date-time"},
                },
            },
        },
    },
)
ACKNOWLEDGED_ANSWER = answer(
    "Up to which number of the feed tombstones are acknowledged.",
    {"type": "object", "required": ["acknowledged"], "properties": {"acknowledged": {"type": "integer"}}},
)
FOUND_ANSWER = answer(
    "What was found, the best first, each with up to three of the texts in which it was; long ones in part.",
    {
        "type": "object",
        "required": ["rows", "next"],
        "properties": {
            "rows": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["kind", "id", "customer_id", "customer_name", "score", "matches"],
                    "properties": {
                        "kind": {"type": "string"},
                        "id": {"type": "string", "format": "uuid"},
                        "customer_id": {"type": ["string", "null"], "description": "The one that stands."},
                        "score": {"type": "number", "description": "1: every word is spelt so."},
                        "matches": {"type": "array", "items": OBJECT},
                    },
                },
            },
            "next": {"type": ["string", "null"]},
        },
    },
)
OPENED_ANSWER = answer(
    "The values in the order given; `_erased` and `_withheld` name the places of those that are null.",
    {"type": "object", "required": ["values"], "properties": {"values": {"type": "array"}}},
)
BATCH_ANSWER = answer(
    "A verdict for each command, in their order.",
    {
        "type": "object",
        "required": ["verdicts"],
        "properties": {"verdicts": {"type": "array", "items": {"$ref": REF.format(model="Verdict")}}},
    },
)


def done(description: str) -> Schema:
    """The outcome of a command."""
    text = {"type": "string"}
    headers = {
        "ETag": {"description": "The stream's version.", "schema": text},
        "Relato-Token": {"description": "Send it with a read.", "schema": text},
        "Idempotency-Replayed": {"description": "`true`: it was done before.", "schema": text},
    }
    return answer(description, {"$ref": REF.format(model="Outcome")}) | {"headers": headers}


def body_of(model: str) -> Schema:
    """The request's body, by the name of its schema."""
    schema = {"$ref": REF.format(model=model)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def problems_for(*statuses: int) -> dict[int | str, Schema]:
    """The answers with these statuses, and 500; 429 where callers are known. The document describes each once."""
    more = (429, 500) if 401 in statuses else (500,)  # noqa: PLR2004 a status
    return {status: {"$ref": f"#/components/responses/problem-{status}"} for status in (*statuses, *more)}


def stream_schema(description: str) -> Schema:
    return {"description": description, "content": {"text/event-stream": {"schema": {"type": "string"}}}}


def rows_schema(view: View) -> Schema:
    """A page of a view; what is sealed may be null for a role, and is then named under `_withheld` or `_erased`."""
    columns: Schema = {
        column: {"description": "Personal: opened as far as your role may see."} if column in view.sealed else {}
        for column in view.columns
    }
    columns |= {name: {"type": "array", "items": {"type": "string"}} for name in ("_erased", "_withheld")}
    row = {"type": "object", "required": list(view.columns), "properties": columns}
    page = {
        "type": "object",
        "required": ["rows", "next"],
        "properties": {"rows": {"type": "array", "items": row}, "next": {"type": ["string", "null"]}},
    }
    content = {
        "application/json": {"schema": page},
        **{kind: {"schema": {"type": "string"}} for kind in ("text/csv", "text/event-stream")},
    }
    link = {"description": "The next page, if there is one.", "schema": {"type": "string"}}
    return {"description": f"{view.title}, ordered by {', '.join(view.key)}.", "content": content,
            "headers": {"Link": link}}  # fmt: skip
