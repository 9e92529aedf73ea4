"""The JSON Schema of a partner's events as the intake takes them, CloudEvents 1.0, with an example of each type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel

from domain.agreement.terms import Terms
from streams.inbound.cloud import Content, Sent
from streams.inbound.types import TYPES
from streams.schemas import AsGiven, inlined

Schema = dict[str, Any]

AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


def accepted_types(terms: Terms) -> Sequence[str]:
    return sorted(one.type for one in terms.accepts if one.type in TYPES)


@cache
def event_schema(type_: str) -> Schema:
    """Without references."""
    return envelope({"const": type_}, _described(TYPES[type_].data))


def envelope(type_: Mapping[str, Any], data: Mapping[str, Any]) -> Schema:
    """Of an event whose type and data are described so."""
    described = {name: part for name, part in _described(Sent).items() if name != "title"}
    return {**described, "properties": {**described["properties"], "type": type_, "data": data}}


def example_of(type_: str) -> Content:
    """Fit, and about nothing that there is."""
    data = TYPES[type_].example.model_dump(mode="json", exclude_unset=True)
    id_ = f"{type_.split('.')[1]}-42"
    sent = Sent(specversion="1.0", id=id_, source="/erp", type=type_, time=AT, data=data)
    return sent.model_dump(mode="json")


def _described(model: type[BaseModel]) -> Schema:
    found: Schema = inlined(model.model_json_schema(schema_generator=AsGiven))
    return found
