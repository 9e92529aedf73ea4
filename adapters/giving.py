"""How a command is given, whichever way: which of its ids are made, and the one that makes it happen once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
