"""How a command is given, whichever way: what its fields take, which ids are made, and what makes it happen once."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from adapters.ids import uuid7
from domain.customer.facts import PersonId
from domain.decider import Command
from domain.ports import Vault


def made_ids(command: type[Command], addressed: str) -> Sequence[str]:
    """The fields whose ids can be made up: the stream's own, and that of a person who is new."""
    required = (name for name, field in command.model_fields.items() if field.is_required())
    return [name for name in required if name == addressed or command.model_fields[name].annotation is PersonId]


def make_ids(vault: Vault, principal: str, key: str | None, names: Iterable[str]) -> dict[str, UUID]:
    """With a key they are derived from it, so that the repeat is the same command."""
    if key is None:
        return {name: uuid7() for name in names}
    return {name: vault.derive_id(name, f"{principal}\0{key}") for name in names}


def command_id_of(vault: Vault, principal: str, key: str) -> UUID:
    """A key is the principal's own: nobody gets at another's outcome by guessing it."""
    return vault.derive_id("command", f"{principal}\0{key}")


def plain_type(annotation: Any) -> Any:
    """The type behind Annotated, NewType and `| None`."""
    if hasattr(annotation, "__supertype__"):
        return plain_type(annotation.__supertype__)
    if get_origin(annotation) is Annotated:
        return plain_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        (first, *_) = [part for part in get_args(annotation) if part is not type(None)]
        return plain_type(first)
    return annotation
