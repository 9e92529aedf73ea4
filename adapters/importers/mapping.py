"""Loads mapping files, and checks them against what can be ordered, before a row is read."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from adapters.importers.errors import MappingError, UnknownFormatError
from adapters.importers.language import MappingFile, Rule
from adapters.importers.times import zone_named
from domain.decider import Command, Registry
from domain.errors import UnknownCommandError

SAMPLE = "a,b\n"
OURS = files("adapters.importers") / "mappings"


class KnownFormat(NamedTuple):
    name: str
    title: str


class Commands(NamedTuple):
    """What a rule orders, and what it orders instead when the row was told differently before."""

    command: type[Command]
    amends: tuple[type[Command], ...]


def known_formats() -> Sequence[KnownFormat]:
    """The mappings that Relato brings."""
    ours = sorted((entry for entry in OURS.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return [KnownFormat(entry.name.removesuffix(".toml"), _load(entry).title) for entry in ours]


def load_mapping(format_: str | None, path: Path | None) -> MappingFile:
    """One of ours by its name, or a file; raises MappingError with the place of what is wrong."""
    if path is not None:
        return _load(path)
    ours = {entry.name.removesuffix(".toml"): entry for entry in OURS.iterdir() if entry.name.endswith(".toml")}
    if format_ not in ours:
        raise UnknownFormatError(format=format_, known=", ".join(sorted(ours)))
    return _load(ours[format_])


def _load(entry: Path | Traversable) -> MappingFile:
    try:
        return parse_mapping(entry.read_text("utf-8"), entry.name)
    except UnicodeDecodeError as error:
        raise MappingError(f"{entry.name} is no TOML: {error}") from error
    except OSError as error:
        raise MappingError(f"{entry}: {error.strerror}") from error


def parse_mapping(text: str, name: str) -> MappingFile:
    try:
        mapping = MappingFile.model_validate(tomllib.loads(text, parse_float=Decimal))
    except ValidationError as error:
        raise MappingError(f"{name}: {_first_of(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{name} is no TOML: {error}") from error
    zone_named(mapping.time_zone)
    for file in mapping.files.values():
        _check_encoding(file.csv.encoding)
    return mapping


def _check_encoding(encoding: str) -> None:
    """Some that Python knows are of bytes, or of host names, and read no file."""
    try:
        is_of_text = SAMPLE.encode(encoding).decode(encoding, "surrogateescape") == SAMPLE
    except (LookupError, ValueError):
        is_of_text = False
    if not is_of_text:
        raise MappingError(f"{encoding[:100]!a} is no encoding of texts; write one like utf-8 or latin-1")


def _first_of(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def check_commands(mapping: MappingFile, registry: Registry) -> dict[str, Commands]:
    """The commands of each rule; raises MappingError for a command or field that does not exist, or is not given."""
    return {rule.name: _commands_of(rule, mapping, registry) for rule in mapping.rules}


def _commands_of(rule: Rule, mapping: MappingFile, registry: Registry) -> Commands:
    file = mapping.files[rule.file or next(iter(mapping.files))]
    if rule.per == "group" and not file.group_by:
        raise MappingError(f'rule {rule.name}: per = "group" needs `group_by` in its file')
    if rule.per == "row" and not (rule.identity or file.identity):
        raise MappingError(f"rule {rule.name}: say with `identity` what tells its rows apart")
    try:
        registration = registry.named(rule.command)
        amends = [registry.named(name).command for name in rule.amend or ()]
    except UnknownCommandError as error:
        raise MappingError(f"rule {rule.name}: no command is called {error.details['command']}") from error
    _check_fields(rule, registration.command)
    if rule.amend is None and registration.amended_by is not None:
        amends = [registration.amended_by]
    return Commands(registration.command, tuple(amends))


def _check_fields(rule: Rule, command: type[Command]) -> None:
    there = command.model_fields
    if unknown := sorted(set(rule.fields) - set(there)):
        raise MappingError(f"rule {rule.name}: {command.NAME} has no {', '.join(unknown)}; it has {', '.join(there)}")
    required = {name for name, field in there.items() if field.is_required()}
    if lacking := sorted(required - set(rule.fields)):
        raise MappingError(f"rule {rule.name}: {command.NAME} needs {', '.join(lacking)}")
