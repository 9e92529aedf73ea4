"""What a partner may send us, in a feed's documents: how, and what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.documents.contents import Contents, Schema
from adapters.documents.parts import Part, message, named, over_http, ref
from adapters.http.inbound_schemas import HELD, MANY, MOST, ONE, REFUSALS, SENDING, VERDICT
from adapters.http.schemas import answer
from domain.errors import RefusedError
from streams.inbound.errors import QuarantineFullError
from streams.inbound.quarantine import State

PROBLEM_TYPE = "application/problem+json"
SCHEMAS = "components/schemas"
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
REFUSAL: Schema = {
    "description": "A problem, with the name of the event; under `held` we keep it until somebody mends it.",
    "allOf": [ref(SCHEMAS, "Problem"), ref(SCHEMAS, "Verdict"), {"required": ["held"]}],
}
VERDICTS: Schema = {
    "type": "object",
    "required": ["verdicts"],
    "properties": {
        "verdicts": {
            "type": "array",
            "description": "In the order given; of each, what it would be answered alone.",
            "items": {"anyOf": [ref(SCHEMAS, "Refusal"), ref(SCHEMAS, "Verdict")]},
        }
    },
}
REFUSED: Schema = {
    "type": "object",
    "required": ["refused", "next"],
    "properties": {
        "refused": {"type": "array", "items": ref(SCHEMAS, "Held")},
        "next": NUMBER | {"description": "What to ask after."},
    },
}


def sent_to_us(contents: Contents) -> Part:
    """Nothing where nothing is accepted."""
    schemas, examples = contents.taken
    if not schemas:
        return Part()
    channel = {
        "address": f"{contents.path}/inbound",
        "description": f"One event, or up to {MOST} as a list, `{MANY}`. Each has a verdict; openapi.json says which.",
        "servers": [ref("servers", "api")],
        "messages": named(schemas),
    }
    take = {"action": "receive", "channel": ref("channels", "inbound"), "bindings": over_http("POST")}
    return Part(
        channels={"inbound": channel},
        operations={"take": take},
        messages={type_: message(type_, examples.get(type_)) for type_ in schemas},
        schemas=schemas,
    )


def inbound_schemas(contents: Contents) -> Mapping[str, Schema]:
    """For OpenAPI."""
    if not contents.taken.schemas:
        return {}
    choices = {"oneOf": [ref(SCHEMAS, type_) for type_ in contents.taken.schemas]}
    answers = {"Verdict": VERDICT, "Refusal": REFUSAL, "Verdicts": VERDICTS, "Refused": REFUSED, "Held": HELD}
    return {"Inbound": choices, **answers, **contents.taken.schemas}


def inbound_paths(contents: Contents, problems: Mapping[str, Schema]) -> Mapping[str, Schema]:
    """For OpenAPI."""
    if not contents.taken.schemas:
        return {}
    path = f"{contents.path}/inbound"
    return {
        path: {"get": _reading(problems), "post": _sending(contents.taken.examples, problems)},
        f"{path}/verdict": {"get": _asking(problems)},
    }


def _sending(examples: Mapping[str, Any], problems: Mapping[str, Schema]) -> Schema:
    each = {type_: {"value": example} for type_, example in examples.items()}
    one = {"schema": ref(SCHEMAS, "Inbound"), "examples": each}
    many = {"type": "array", "items": ref(SCHEMAS, "Inbound"), "minItems": 1, "maxItems": MOST}
    taken = answer("Of one that was taken before, its verdict; of many, `verdicts`.", {
        "anyOf": [ref(SCHEMAS, "Verdicts"), ref(SCHEMAS, "Verdict")]})  # fmt: skip
    refusals = {str(status): _refusal(errors) for status, errors in REFUSALS.items()}
    away = f"`{QuarantineFullError.code()}`, or a part of ours is away. It was not kept; send it again."
    full = {"description": away, "content": {PROBLEM_TYPE: {"schema": ref(SCHEMAS, "Problem")}}}
    return {
        "operationId": "sendEvents",
        "summary": "Send events to us",
        "description": SENDING,
        "requestBody": {
            "required": True,
            "content": {ONE: one, MANY: {"schema": many, "example": list(examples.values())}},
        },
        "responses": {"200": taken, "201": answer("It was taken.", ref(SCHEMAS, "Verdict")),
                      **refusals, "503": full, **problems},
    }  # fmt: skip


def _refusal(errors: Iterable[type[RefusedError]]) -> Schema:
    told = "\n".join(f"* `{error.code()}`: {error()}" for error in errors)
    schema = {"anyOf": [ref(SCHEMAS, "Refusal"), ref(SCHEMAS, "Problem")]}
    text = f"Refused, and held; or the request itself is, without `held`. Among others:\n\n{told}"
    return {"description": text, "content": {PROBLEM_TYPE: {"schema": schema}}}


def _reading(problems: Mapping[str, Schema]) -> Schema:
    state = {"enum": [one.value for one in State]}
    return {
        "operationId": "readRefused",
        "summary": "What was refused, by whichever way it came, and what became of it",
        "parameters": [
            {"name": "after", "in": "query", "schema": NUMBER, "description": "The last `seq` you have."},
            {"name": "limit", "in": "query", "schema": NUMBER | {"minimum": 1, "maximum": 1_000}},
            {"name": "state", "in": "query", "schema": state},
        ],
        "responses": {"200": answer("By `seq`.", ref(SCHEMAS, "Refused")), **problems},
    }


def _asking(problems: Mapping[str, Schema]) -> Schema:
    return {
        "operationId": "readVerdict",
        "summary": "Whether one event was taken",
        "parameters": [{"name": name, "in": "query", "required": True, "schema": TEXT} for name in ("source", "id")],
        "responses": {"200": answer("It was.", ref(SCHEMAS, "Verdict")), **problems},
    }
