"""The AsyncAPI document: the topics that exist, with their records' keys, headers and values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploy.schemas.facts import Schema
from domain.event import Origin
from streams.topics import CHECKPOINTS, EVENTS, TopicSpec

BINDING = "0.5.0"
NUMERIC = ("retention.ms", "retention.bytes", "max.message.bytes")
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "integer", "minimum": 1}
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
HEADERS: dict[str, Schema] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": UUID,
    "ce_source": {"type": "string", "description": "The installation, as /relato/<name>."},
    "ce_type": {"type": "string", "description": "The fact's type, as in its schema."},
    "ce_time": TIME | {"description": "When it was true."},
    "relato": {
        "type": "string",
        "description": "The rest of the ledger's row, as JSON.",
        "contentMediaType": "application/json",
        "contentSchema": {"type": "object", "required": list(ROW), "properties": ROW},
    },
}
SUBJECT: Schema = {
    "type": "string",
    "description": "The subject's UUID, 16 bytes; the last six bits are the partition.",
}
NOTE: Schema = {"type": "string", "description": "A signed note (C2SP tlog-checkpoint, ed25519)."}


def document(version: str, types: Iterable[str]) -> Schema:
    """The topics in `version` of the program, whose facts have these types; schemas stand beside it in files."""
    facts = sorted(types)
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
            "checkpoints": _channel(CHECKPOINTS, "The signed heads of the ledger's Merkle tree.", ["checkpoint"]),
        },
        "operations": {
            "relay": {"action": "send", "channel": {"$ref": "#/channels/events"}},
            "checkpointer": {"action": "send", "channel": {"$ref": "#/channels/checkpoints"}},
        },
        "components": {
            "messages": {type_: _event(type_) for type_ in facts} | {"checkpoint": _checkpoint()},
            "messageTraits": {"event": {"headers": {"type": "object", "required": list(HEADERS), "properties": HEADERS},
                                        "bindings": _binding(key=SUBJECT)}},
        },
    }  # fmt: skip


def _channel(topic: TopicSpec, description: str, messages: Iterable[str]) -> Schema:
    settings: dict[str, Any] = {
        name: int(value) if name in NUMERIC else value for name, value in sorted(topic.config.items())
    }
    settings["cleanup.policy"] = [settings["cleanup.policy"]]
    return {
        "address": topic.name,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": _binding(topic=topic.name, partitions=topic.partitions, topicConfiguration=settings),
    }


def _event(type_: str) -> Schema:
    return {
        "name": type_,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/event"}],
        "payload": {"$ref": f"./{type_}.json"},
    }


def _checkpoint() -> Schema:
    return {
        "name": "checkpoint",
        "contentType": "text/plain; charset=utf-8",
        "payload": NOTE,
        "bindings": _binding(key={"type": "string", "const": "checkpoint"}),
    }


def _binding(**settings: Any) -> Schema:
    return {"kafka": {**settings, "bindingVersion": BINDING}}
