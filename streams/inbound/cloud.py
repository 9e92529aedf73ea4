"""A partner's event as it comes: a CloudEvent 1.0 in JSON, or in the headers and value of a record. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from domain.moments import Moment
from domain.text import Label
from streams.inbound.errors import EventFormError, EventTooLargeError

LARGEST = 1024 * 1024  # bytes, of one event
JSON_KIND = r"^[^;]*[jJ][sS][oO][nN]\s*(;|$)"
STRUCTURED = b"application/cloudevents+json"
PREFIX = "ce_"

Headers = Sequence[tuple[str, bytes | None]]
Content = Mapping[str, Any]
"""An event as JSON, fit for CloudEvents or not."""


def _is_json(kind: object) -> object:
    if isinstance(kind, str) and re.match(JSON_KIND, kind):
        return kind
    raise ValueError("data come as JSON")


Source = Annotated[
    str,
    Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x20]*$", json_schema_extra={"format": "uri-reference"}),
]
OccurredAt = Annotated[Moment, Field(description="When it was true, from 1900 on; when it came, unless given.")]
JsonKind = Annotated[str, BeforeValidator(_is_json), Field(json_schema_extra={"pattern": JSON_KIND})]


class Sent(BaseModel):
    """What counts of an event; `id` and `source` together are its name. Other attributes are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"not": {"required": ["data_base64"]}})

    specversion: Literal["1.0"]
    id: Label
    source: Source
    type: Label
    time: OccurredAt | None = None
    datacontenttype: JsonKind = "application/json"
    data: dict[str, Any]

    @classmethod
    def read(cls, content: object) -> Self:
        """Raises EventFormError, EventTooLargeError."""
        if not isinstance(content, Mapping):
            raise EventFormError("an event is a JSON object")
        if len(to_json(content)) > LARGEST:
            raise EventTooLargeError
        if "data_base64" in content:
            raise EventFormError("data come as JSON under `data`, not under `data_base64`")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise EventFormError.of(error) from error

    def canonical(self) -> bytes:
        """What makes two events with one name the same: type, time and data."""
        told = [self.type, self.time.isoformat() if self.time else None, self.data]
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def content_of(headers: Headers, value: bytes | None) -> Content:
    """A record's event, binary or structured, not looked at yet. Raises EventFormError, EventTooLargeError."""
    if value is None:
        raise EventFormError("the record has no value")
    if len(value) + sum(len(part or b"") for _, part in headers) > LARGEST:
        raise EventTooLargeError
    named = {name.lower(): part or b"" for name, part in headers}
    if named.get("content-type", b"").lower().startswith(STRUCTURED):
        found = parse(value)
        if not isinstance(found, Mapping):
            raise EventFormError("an event is a JSON object")
        return found
    try:
        attributes = {name.removeprefix(PREFIX): part.decode() for name, part in named.items()
                      if name.startswith(PREFIX)}  # fmt: skip
        kind = {"datacontenttype": named["content-type"].decode()} if "content-type" in named else {}
    except UnicodeDecodeError as error:
        raise EventFormError("a header is no UTF-8") from error
    return {**attributes, **kind, "data": parse(value)}


def parse(value: bytes) -> Any:
    """Raises EventFormError."""
    try:
        return read_json(value)
    except ValueError as error:
        raise EventFormError("this is no JSON in UTF-8", reason=str(error)[:200]) from error


def read_json(text: bytes) -> Any:
    """Raises ValueError; of 1e999 too, which is JSON, is read as infinite, and could not be told again."""
    found = from_json(text, allow_inf_nan=False)
    json.dumps(found, allow_nan=False)
    return found


def type_in(content: object) -> str | None:
    """The type that an event claims, fit or not."""
    found = content.get("type") if isinstance(content, Mapping) else None
    return found.replace("\0", "")[:200] if isinstance(found, str) and found else None
