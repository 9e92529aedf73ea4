"""The AsyncAPI document: the topics that exist, with their records' keys, headers and values."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.documents.kafka import binding, topic_binding
from deploy.schemas.facts import Schema
from domain.event import Origin
from streams.departments import DEPARTMENTS, Department
from streams.topics import ALERTS, CHECKPOINTS, EVENTS, SCREENS, SHARES, TopicSpec
from streams.windows.alerts import TYPES as ALERT_TYPES

UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "integer", "minimum": 1}
OF_WHOLE_ROWS = ("partition_seq", "fingerprint", "hash")  # what a department's share cannot show
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

ROW: dict[str, Schema] = {
    "position": NUMBER | {"description": "The one order of all facts, without gaps."},
    "partition_seq": NUMBER | {"description": "The order within the partition, without gaps: repeat = drop."},
    "stream_id": UUID,
    "stream_version": NUMBER,
    "subject_seq": NUMBER | {"description": "The order of the subject's facts, without gaps."},
    "command_id": UUID,
    "correlation_id": UUID,
    "causation_id": UUID,
    "recorded_at": TIME | {"description": "When it was known; never runs backwards along the position."},
    "actor": {"type": "string"},
    "origin": {"type": "string", "enum": [origin.value for origin in Origin]},
    "fingerprint": {"type": "string", "pattern": "^[0-9a-f]*$", "description": "Of the command, keyed."},
    "hash": SHA256 | {"description": "SHA-256 over the row; the leaf of the signed Merkle tree."},
}
SHARE: dict[str, Schema] = {name: part for name, part in ROW.items() if name not in OF_WHOLE_ROWS} | {
    "previous": {
        "type": "integer",
        "minimum": 0,
        "description": "The position of the record before it in the partition; another one than you have: a hole.",
    }
}
CLOUD: dict[str, Schema] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": UUID,
    "ce_source": {"type": "string", "description": "The installation, as /relato/<name>."},
    "ce_type": {"type": "string", "description": "The fact's type, as in its schema."},
    "ce_time": TIME | {"description": "When it was true."},
}
SUBJECT: Schema = {
    "type": "string",
    "description": "The subject's UUID, 16 bytes; its last bits are the partition.",
}
NOTE: Schema = {"type": "string", "description": "A signed note (C2SP tlog-checkpoint, ed25519)."}


def document(version: str, types: Iterable[str]) -> Schema:
    """The topics in `version` of the program, whose facts have these types; schemas stand beside it in files."""
    facts = sorted(set(types) - ALERT_TYPES.keys())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Relato",
            "version": version,
            "description": "What the relay and the checkpointer write, in CloudEvents 1.0, Kafka's binary mode. "
            "New types, fields and enum values may appear: ignore a field you do not know, keep a type or a value "
            "you do not know until you can read it.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": _channel(EVENTS, "Every fact, in the ledger's order within a partition.", facts),
            **{name: _share_channel(department) for name, department in DEPARTMENTS.items()},
            "alerts": _channel(ALERTS, "What rules noticed in the live windows; an id may come twice.", ALERT_TYPES),
            "screens": _channel(SCREENS, "The rows that live screens show now; for the API.", ["row"]),
            "checkpoints": _channel(CHECKPOINTS, "The signed heads of the ledger's Merkle tree.", ["checkpoint"]),
        },
        "operations": {
            "relay": {"action": "send", "channel": {"$ref": "#/channels/events"}},
            **{f"relay {name}": {"action": "send", "channel": {"$ref": f"#/channels/{name}"}} for name in DEPARTMENTS},
            "windows": {"action": "send", "channel": {"$ref": "#/channels/alerts"}},
            "checkpointer": {"action": "send", "channel": {"$ref": "#/channels/checkpoints"}},
        },
        "components": {
            "messages": {
                **{type_: _event(type_) for type_ in facts},
                **{_named(department, type_): _share(department, type_)
                   for department in DEPARTMENTS.values() for type_ in sorted(department.types)},
                **{type_: _alert(type_) for type_ in ALERT_TYPES},
                "row": _row(),
                "checkpoint": _checkpoint(),
            },
            "messageTraits": {"event": _trait(ROW), "share": _trait(SHARE), "alert": _alert_trait()},
        },
    }  # fmt: skip


def _channel(topic: TopicSpec, description: str, messages: Iterable[str]) -> Schema:
    return {
        "address": topic.name,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": topic_binding(topic),
    }


def _share_channel(department: Department) -> Schema:
    return _channel(
        SHARES[department.name],
        f"What {department.name} follows of the facts. Positions grow within a partition.",
        [_named(department, type_) for type_ in sorted(department.types)],
    )


def _named(department: Department, type_: str) -> str:
    return f"{department.name}.{type_}"


def _share(department: Department, type_: str) -> Schema:
    """All of the fact, or those of its fields that the department is told."""
    whole = f"./{type_}.json"
    if (fields := department.fields.get(type_)) is None:
        return _message(type_, "share", {"$ref": whole})
    told = {name: {"$ref": f"{whole}#/properties/{name}"} for name in sorted(fields)}
    return _message(type_, "share", {"type": "object", "properties": told})


def _trait(row: dict[str, Schema]) -> Schema:
    rest: Schema = {
        "type": "string",
        "description": "The rest of the ledger's row, as JSON.",
        "contentMediaType": "application/json",
        "contentSchema": {"type": "object", "required": list(row), "properties": row},
    }
    headers = CLOUD | {"relato": rest}
    return {
        "headers": {"type": "object", "required": list(headers), "properties": headers},
        "bindings": binding(key=SUBJECT),
    }


def _alert(type_: str) -> Schema:
    return _message(type_, "alert", {"$ref": f"./{type_}.json"})


def _alert_trait() -> Schema:
    headers = CLOUD | {
        "ce_id": UUID | {"description": "The same whenever the same is noticed again."},
        "ce_type": {"type": "string", "description": "The alert's type, as in its schema."},
        "ce_time": TIME | {"description": "When it arose."},
    }
    return {
        "headers": {"type": "object", "required": list(headers), "properties": headers},
        "bindings": binding(key=SUBJECT),
    }


def _row() -> Schema:
    key = {"type": "string", "description": "The window and the row, as activity/<seller_id>."}
    payload = {"type": "object", "description": "The row; a tombstone where it is gone."}
    return {"name": "row", "contentType": "application/json", "payload": payload, "bindings": binding(key=key)}


def _event(type_: str) -> Schema:
    return _message(type_, "event", {"$ref": f"./{type_}.json"})


def _message(type_: str, trait: str, payload: Schema) -> Schema:
    return {
        "name": type_,
        "contentType": "application/json",
        "traits": [{"$ref": f"#/components/messageTraits/{trait}"}],
        "payload": payload,
    }


def _checkpoint() -> Schema:
    return {
        "name": "checkpoint",
        "contentType": "text/plain; charset=utf-8",
        "payload": NOTE,
        "bindings": binding(key={"type": "string", "const": "checkpoint"}),
    }
