"""The kept schemas: written beside the documentation, and held against what the code makes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.schemas.asyncapi import document
from deploy.schemas.breaking import broken_topics, broken_types
from deploy.schemas.facts import Schema
from domain.errors import RelatoError
from domain.fact import Fact

ASYNCAPI = "asyncapi"
NEW_VERSION = (
    "A published fact never changes. Add optional fields or enum values, or leave its class as TYPE …v1 says and write "
    'a new class with TYPE …v2 and a function under @upcast("…v1", "…v2"). Did no release ever write that type? '
    "Then remove its file first: `{file}`."
)


class BreakingSchemaError(RelatoError):
    """A published schema would break."""


class StaleSchemaError(RelatoError):
    """The kept schemas are not what the code makes; run `make schemas` and commit what it writes."""


@dataclass(frozen=True)
class Schemas:
    """The schemas of the facts by type, and the topics' document."""

    facts: Mapping[str, Schema] = field(default_factory=dict)
    topics: Schema = field(default_factory=dict)


def read(folder: Path) -> Schemas:
    found = {file.stem: json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))}
    topics = found.pop(ASYNCAPI, {})
    return Schemas(found, topics)


def make(version: str, written: Mapping[str, Schema], kept: Schemas) -> Schemas:
    """What belongs into the folder: types that are only read any more, by an upcaster, keep the schema they had."""
    upcast = {type_: schema for type_, schema in kept.facts.items() if type_ in Fact.upcasters}
    facts = {**upcast, **written}
    return Schemas(facts, document(version, facts))


def check(folder: Path, version: str, written: Mapping[str, Schema]) -> Schemas:
    """What belongs into the folder; BreakingSchemaError before anything is written."""
    kept = read(folder)
    made = make(version, written, kept)
    broken = [*broken_types(kept.facts, made.facts), *broken_topics(kept.topics, made.topics)]
    if broken:
        file = f"{folder.name}/{broken[0].partition(':')[0].partition(' ')[0]}.json"
        raise BreakingSchemaError("\n".join([*broken, NEW_VERSION.format(file=file)]))
    return made


def require_current(folder: Path, version: str, written: Mapping[str, Schema]) -> None:
    made = check(folder, version, written)
    texts = _texts(made)
    present = {file.name: file.read_text() for file in folder.glob("*.json")}
    differing = sorted(name for name in texts.keys() | present.keys() if texts.get(name) != present.get(name))
    if differing:
        raise StaleSchemaError(files=", ".join(differing))


def write(folder: Path, version: str, written: Mapping[str, Schema]) -> list[str]:
    """Answers the names of the files that changed."""
    texts = _texts(check(folder, version, written))
    changed = list(_differing(folder, texts))
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (folder / name).write_text(texts[name])
    return changed


def _differing(folder: Path, texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            yield name


def _texts(schemas: Schemas) -> dict[str, str]:
    contents = {**schemas.facts, ASYNCAPI: schemas.topics}
    return {f"{name}.json": json.dumps(made, indent=2, ensure_ascii=False) + "\n" for name, made in contents.items()}
