"""The JSON Schema of a feed's events, CloudEvents 1.0: of each type that is shown, and of what the feed says itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.agreement.decider import Agreement
from domain.agreement.terms import Mask
from streams.feeds.changes import OTHER_TERMS, PLAIN
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.feeds.entries import Reason
from streams.feeds.shapes import Schema, data_schema, shown_types
from streams.schemas import DIALECT

SANDBOX = "/sandbox"  # how the source of what is made up ends
TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
NUMBER: Schema = {"type": "integer", "minimum": 1}
TIME: Schema = {"type": "string", "format": "date-time"}
FIELDS: Schema = {
    "type": "object",
    "properties": {
        "added": TEXTS,
        "removed": TEXTS,
        "masks": {"type": "object", "additionalProperties": {"enum": [*(mask.value for mask in Mask), PLAIN]}},
    },
    "additionalProperties": False,
}
REASON: Schema = {"type": "string", "enum": [reason.value for reason in Reason]}
OWN: Mapping[str, Schema] = {
    WITHHELD: {
        "description": "What stood under this number may not be shown (any more): delete what you have of it.",
        "required": ["reason"],
        "properties": {"reason": REASON},
    },
    TOMBSTONE: {
        "description": "Delete what came through that number: all, or what is of the subject, or of the types.",
        "required": ["reason", "through"],
        "properties": {
            "reason": REASON,
            "through": NUMBER | {"minimum": 0},
            "subject": TEXT | {"format": "uuid"},
            "types": TEXTS,
        },
    },
    CHANGED: {
        "description": "From here on another version of the agreement holds, or types that it names have a newer form.",
        "required": ["version", "before", "documents"],
        "properties": {
            "version": NUMBER,
            "before": NUMBER,
            "added": TEXTS | {"description": "Types that are shown from here on."},
            "removed": TEXTS | {"description": "Types that are shown no more."},
            "fields": {"type": "object", "additionalProperties": FIELDS},
            "terms": {"type": "array", "items": {"enum": list(OTHER_TERMS)}},
            "renewed": TEXTS | {"description": "Types of a newer form, in the place of their older names."},
            "documents": TEXTS | {"description": "Below the feed's own address."},
        },
    },
}


def event_schemas(feed: UUID, agreement: Agreement, version: int, source: str) -> Mapping[str, Schema]:
    """By type; `source` is the feed's."""
    shown = {type_: data_schema(agreement, version, type_) for type_ in shown_types(agreement, version)}
    facts = {type_: _event(type_, source, data, FACT, needed=FACT) for type_, data in shown.items()}
    own = {type_: _own(type_, source, said) for type_, said in OWN.items()}
    return {
        type_: {"$schema": DIALECT, "$id": f"urn:relato:feed:{feed}:{version}:{type_}", **schema}
        for type_, schema in (facts | own).items()
    }


def schema_of_any(feed: UUID, version: int, schemas: Mapping[str, Mapping[str, Any]]) -> Schema:
    """One schema that every event of the feed fulfils."""
    defined = {type_: bare(schema) for type_, schema in schemas.items()}
    choices = [{"$ref": f"#/$defs/{type_}"} for type_ in defined]
    return {"$schema": DIALECT, "$id": f"urn:relato:feed:{feed}:{version}", "oneOf": choices, "$defs": defined}


def bare(schema: Mapping[str, Any]) -> Schema:
    """Within another document."""
    return {name: part for name, part in schema.items() if name not in ("$schema", "$id")}


FACT: Mapping[str, Schema] = {
    "subject": TEXT | {"description": "Whom or what it is about, under a name for you alone."},
    "time": TIME | {"description": "When it occurred."},
    "recordedtime": TIME | {"description": "When it was recorded."},
    "stream": TEXT | {"description": "Of the order, the ticket … that it belongs to."},
}


def _own(type_: str, source: str, said: Schema) -> Schema:
    data = {"type": "object", **said, "additionalProperties": False}
    return _event(type_, source, data, {} if type_ == WITHHELD else {"time": TIME})


def _event(
    type_: str, source: str, data: Schema, more: Mapping[str, Schema], needed: Mapping[str, Any] | None = None
) -> Schema:
    always: Mapping[str, Schema] = {
        "specversion": {"const": "1.0"},
        "id": TEXT | {"description": "`feedseq` as a text."},
        "source": {"enum": [source, source + SANDBOX]},
        "type": {"const": type_},
        "datacontenttype": {"const": "application/json"},
        "feedseq": NUMBER | {"description": "The feed's own count."},
        "agreementversion": NUMBER | {"description": "The version under which it was entered."},
        "data": data,
    }
    return {
        "type": "object",
        "required": [*always, *(needed if needed is not None else more)],
        "properties": {**always, **more},
        "additionalProperties": False,
    }
