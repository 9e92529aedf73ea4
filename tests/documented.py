"""Whether what is sent and answered fits a feed's documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from adapters.documents.contents import OpenTopics
from adapters.kafka.partners import client_settings, group_prefix_of
from streams.topics import inbound_topic, partner_topic

Document = Mapping[str, Any]


def topics(name: str, servers: str = "kafka-1:9093,kafka-2:9093", protocol: str = "SASL_SSL") -> OpenTopics:
    """Open for a partner of this name."""
    settings = {"bootstrap.servers": servers, "security.protocol": protocol, **client_settings(name)}
    return OpenTopics(partner_topic(name), inbound_topic(name), settings, group_prefix_of(name))


def schema_in(document: Document, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    """References lead into the document."""
    return jsonschema_rs.validator_for({"components": document["components"], **schema}, validate_formats=True)


def require_message(asyncapi: Document, name: str, payload: Any, headers: Mapping[str, str] | None = None) -> None:
    """Raises ValidationError; `headers` as texts, where the message has some."""
    message = asyncapi["components"]["messages"][name]
    schema_in(asyncapi, message["payload"]).validate(payload)
    if headers is not None:
        schema_in(asyncapi, message["headers"]).validate(headers)


def require_record(asyncapi: Document, key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]) -> None:
    """In CloudEvents' binary mode. Raises ValidationError."""
    told = {name: part.decode() for name, part in headers.items()}
    name = f"kafka.{told['ce_type']}"
    require_message(asyncapi, name, json.loads(value or b""), told)
    assert told.keys() <= asyncapi["components"]["messages"][name]["headers"]["properties"].keys()
    has_key = "key" in asyncapi["components"]["messages"][name].get("bindings", {}).get("kafka", {})
    assert (key or b"").decode() == (told["ce_subject"] if has_key else "")


def require_answer(openapi: Document, method: str, path: str, answer: Any) -> None:
    """Raises ValidationError; `answer` as httpx has it."""
    responses = openapi["paths"][path][method]["responses"]
    content = responses.get(str(answer.status_code), responses["default"])["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    schema_in(openapi, content[kind]["schema"]).validate(answer.json())
