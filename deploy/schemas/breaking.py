"""What of a schema may never change once it is published: facts are kept for ever, and others read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.schemas.facts import Schema
from streams.schemas import inlined

KEPT_AS_IS = ("type", "format", "pattern", "anyOf", "prefixItems")
LOWER_BOUNDS = ("minimum", "minLength", "minItems")
UPPER_BOUNDS = ("maximum", "maxLength", "maxItems")


def broken_types(kept: Mapping[str, Schema], made: Mapping[str, Schema]) -> Iterator[str]:
    """A sentence for each change that who stored or reads the kept types could not bear."""
    for type_, schema in sorted(kept.items()):
        if type_ not in made:
            yield f"{type_} is gone, but its facts are kept for ever: bring it back, or register an upcaster from it"
            continue
        for change in _changes(inlined(schema), inlined(made[type_]), ""):
            yield f"{type_}: {change}"


def broken_topics(kept: Schema, made: Schema) -> Iterator[str]:
    """The same for the topics of an AsyncAPI document."""
    now = {channel["address"]: channel for channel in made["channels"].values()}
    for channel in kept.get("channels", {}).values():
        topic, partitions = channel["address"], channel["bindings"]["kafka"]["partitions"]
        if topic not in now:
            yield f"the topic {topic} is gone: leave it, and add another beside it"
        elif now[topic]["bindings"]["kafka"]["partitions"] != partitions:
            yield f"{topic} had {partitions} partitions: another number breaks the keys' order; add a topic and replay"


def _changes(kept: Schema, made: Schema, path: str) -> Iterator[str]:
    where = path or "the fact"
    for name in KEPT_AS_IS:
        if _plain(kept.get(name)) != _plain(made.get(name)):
            yield f"{where} had the {name} {_said(kept, name)}, now {_said(made, name)}"
    yield from _narrowed(kept, made, where)
    if gone := [value for value in _values(kept) if _values(made) and value not in _values(made)]:
        yield f"{where} allows {', '.join(map(str, gone))} no more"
    if not _values(kept) and _values(made):
        yield f"{where} allows only {', '.join(map(str, _values(made)))}"
    yield from _fields(kept, made, path)
    if "items" in kept and "items" in made:
        yield from _changes(kept["items"], made["items"], f"{path}[]")


def _fields(kept: Schema, made: Schema, path: str) -> Iterator[str]:
    before, now = kept.get("properties", {}), made.get("properties", {})
    needed_before, needed = set(kept.get("required", ())), set(made.get("required", ()))
    for name, schema in before.items():
        place = f"{path}.{name}" if path else name
        if name not in now:
            yield f"{place} is gone"
            continue
        if name in needed - needed_before:
            yield f"{place} is required now, but facts are stored without it"
        if name in needed_before - needed:
            yield f"{place} may be absent now, but readers rely on it"
        yield from _changes(schema, now[name], place)
    for name in sorted(needed - before.keys()):
        yield f"{f'{path}.{name}' if path else name} is new and required, but facts are stored without it"


def _narrowed(kept: Schema, made: Schema, where: str) -> Iterator[str]:
    for name in (*LOWER_BOUNDS, *UPPER_BOUNDS):
        bound, before = made.get(name), kept.get(name)
        if bound is None:
            continue
        if before is None or (bound > before if name in LOWER_BOUNDS else bound < before):
            yield f"{where} is narrower: {name} {bound}, before {'none' if before is None else before}"


def _values(schema: Schema) -> list[Any]:
    """The values that are allowed; empty when any is."""
    return schema.get("enum") or ([schema["const"]] if "const" in schema else [])


def _plain(schema: Any) -> Any:
    """Without what only people read."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if isinstance(schema, dict):
        return {name: _plain(part) for name, part in schema.items() if name not in ("title", "description")}
    return schema


def _said(schema: Schema, name: str) -> str:
    return str(schema.get(name, "none"))
