"""The JSON Schema of a feed's events, CloudEvents 1.0: of each type that is shown, and of what the feed says itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.agreement.decider import Agreement
from domain.agreement.terms import Mask
from streams.feeds.changes import OTHER_TERMS, PLAIN
from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from streams.feeds.entries import Reason
from streams.feeds.shapes import Schema, data_schema, shown_types
from streams.webhooks.messages import PING

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


def event_schemas(agreement: Agreement, version: int, source: str) -> Mapping[str, Schema]:
    """By type; `source` is the feed's."""
    shown = {type_: data_schema(agreement, version, type_) for type_ in shown_types(agreement, version)}
    facts = {type_: _event(type_, source, data, FACT, needed=FACT) for type_, data in shown.items()}
    own = {type_: _own(type_, source, said) for type_, said in OWN.items()}
    return facts | own


def ping_schema(source: str) -> Schema:
    """Of what is sent to a webhook, and is no event of the feed."""
    attributes = _attributes(PING, source, {"type": "object", "additionalProperties": False})
    return _closed(attributes, attributes)


NUMBERED: Mapping[str, Schema] = {
    "id": TEXT | {"description": "`feedseq` as a text."},
    "feedseq": NUMBER | {"description": "The feed's own count."},
    "agreementversion": NUMBER | {"description": "The version under which it was entered."},
}
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
    always = {**_attributes(type_, source, data), **NUMBERED}
    return _closed({**always, **more}, [*always, *(needed if needed is not None else more)])


def _attributes(type_: str, source: str, data: Schema) -> Schema:
    return {
        "specversion": {"const": "1.0"},
        "id": TEXT,
        "source": {"enum": [source, source + SANDBOX]},
        "type": {"const": type_},
        "datacontenttype": {"const": "application/json"},
        "data": data,
    }


def _closed(attributes: Mapping[str, Schema], needed: Iterable[str]) -> Schema:
    return {
        "type": "object",
        "required": [*needed],
        "properties": {**attributes},
        "additionalProperties": False,
    }
