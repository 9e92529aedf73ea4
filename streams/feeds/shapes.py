"""The JSON Schema of what a partner is shown of each type of facts under a version of its agreement. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, cast

from domain.agreement.decider import Agreement
from domain.agreement.terms import Mask
from domain.fact import Fact
from domain.personal import TOKEN_PATTERN
from streams.departments import newest
from streams.feeds.showing import Window, shown_as, window_of
from streams.schemas import AsSent, inlined

Schema = dict[str, Any]

OPENED = "Personal: opened, because the agreement names it."
OF_ANY_KIND = frozenset({"sealed"})  # a company's own field, whose definition says what it holds
LEFT_OUT = frozenset({"title", "default", "additionalProperties"})
TEXT: Schema = {"type": "string"}
NULL: Schema = {"type": "null"}
LEFT: Mapping[Mask, Schema] = {
    Mask.YEAR: TEXT | {"pattern": "^[0-9]{4}$", "description": "The year alone."},
    Mask.MONTH: TEXT | {"pattern": "^[0-9]{4}-[0-9]{2}$", "description": "Year and month alone."},
    Mask.FIRST_LETTER: TEXT | {"maxLength": 2, "description": "The first letter alone."},
    Mask.MAIL_DOMAIN: TEXT | {"description": "Of an e-mail address what stands behind the @."},
    Mask.COUNTRY: TEXT | {"description": "Of a postal address what stands behind the last comma."},
    Mask.FIRST_DIGIT: {"type": "integer", "description": "Rounded down to its first digit."},
}


def shown_types(agreement: Agreement, version: int) -> Collection[str]:
    """By their newest names."""
    return sorted({newest(shown.type) for shown in agreement.terms(version).shows})


def data_schema(agreement: Agreement, version: int, type_: str) -> Schema:
    """What a fact of the type may look like: entered under any version, and told while this one holds."""
    now = shown_as(agreement.terms(version), type_)
    assert now is not None, type_
    entered = (shown_as(terms, type_) for terms in (agreement.terms(version), *agreement.versions))
    forms = [_seen(clear_schema(type_), window_of(told, now)) for told in entered if told]
    different = [form for n, form in enumerate(forms) if form not in forms[:n]]
    return different[0] if len(different) == 1 else {"anyOf": different}


@cache
def clear_schema(type_: str) -> Schema:
    """Of a fact whose personal values are opened, without references."""
    found: Schema = _opened(inlined(Fact.types[type_].model_json_schema(schema_generator=AsSent, mode="serialization")))
    return found


def _opened(part: Any, name: str = "") -> Any:
    if isinstance(part, list):
        return [_opened(one) for one in part]
    if not isinstance(part, dict):
        return part
    schema = cast("Schema", part)
    if schema.get("pattern") == TOKEN_PATTERN:
        return {"description": OPENED} | ({} if name in OF_ANY_KIND else TEXT)
    inner = cast("Mapping[str, Any]", schema.get("properties", {}))
    rest: Schema = {key: _opened(one) for key, one in schema.items() if key not in LEFT_OUT | {"properties"}}
    if inner:
        rest["properties"] = {field: _opened(one, field) for field, one in inner.items()}
    return rest


def _seen(schema: Schema, window: Window) -> Schema:
    """As `look_through` and `masked` show it; a field without a value, or whose mask leaves nothing, is left out."""
    narrow: Schema = _narrowed(schema, window.tree) if window.tree else {}
    parts = {name: _masked(part, name, window.masks) for name, part in narrow.get("properties", {}).items()}
    always = [name for name in narrow.get("required", []) if name not in window.masks]
    return _closed(parts, always)


def _narrowed(schema: Schema, tree: Mapping[str, Any] | None) -> Schema:
    if tree is None:
        return schema
    if "items" in schema:
        return {**schema, "items": _narrowed(schema["items"], tree)}
    known = schema.get("properties", {})
    parts = {name: _narrowed(known[name], below) for name, below in tree.items() if name in known}
    return _closed(parts, [name for name in schema.get("required", []) if name in parts])


def _closed(parts: Mapping[str, Schema], required: Sequence[str]) -> Schema:
    """Of the fields that are named, no others can come."""
    closed = {"type": "object", "properties": dict(parts), "additionalProperties": False}
    return {**closed, **({"required": list(required)} if required else {})}


def _masked(schema: Schema, path: str, masks: Mapping[str, tuple[Mask, ...]]) -> Schema:
    if found := masks.get(path):
        return _disguised(schema, found[-1], is_within=False)
    if "items" in schema:
        return {**schema, "items": _masked(schema["items"], path, masks)}
    if "properties" in schema:
        inner = schema["properties"].items()
        parts = {name: _masked_part(part, f"{path}.{name}", masks) for name, part in inner}
        return {**schema, "properties": parts}
    return schema


def _masked_part(schema: Schema, path: str, masks: Mapping[str, tuple[Mask, ...]]) -> Schema:
    """Within a field, what a mask leaves nothing of is null."""
    if found := masks.get(path):
        return _disguised(schema, found[-1], is_within=True)
    return _masked(schema, path, masks)


def _disguised(schema: Schema, mask: Mask, *, is_within: bool) -> Schema:
    """Of what holds values, each."""
    if "items" in schema:
        return {**schema, "items": _disguised(schema["items"], mask, is_within=True)}
    if "properties" in schema:
        inner = schema["properties"].items()
        return {**schema, "properties": {name: _disguised(part, mask, is_within=True) for name, part in inner}}
    return {"anyOf": [LEFT[mask], NULL]} if is_within else LEFT[mask]
