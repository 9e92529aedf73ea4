"""How a refused event is kept: sealed under a key of its own, which goes when it is swept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from pydantic_core import to_json

from domain.errors import RefusedError
from domain.personal import Purpose, Sealed, Secret
from domain.ports import Vault
from streams.inbound.cloud import Sent, type_in
from streams.inbound.errors import EventFormError
from streams.inbound.quarantine import Quarantine, Refused

LARGEST_KEPT = 256 * 1024  # bytes: of what is larger no event can be made whose fact would fit


class Came(Protocol):
    """An event as it came."""

    @property
    def agreement_id(self) -> UUID: ...
    @property
    def partner_id(self) -> UUID: ...
    @property
    def content(self) -> Any: ...
    @property
    def received_at(self) -> datetime: ...


class Holding:
    """Keeps what was refused."""

    def __init__(self, quarantine: Quarantine, vault: Vault) -> None:
        self._quarantine, self._vault = quarantine, vault

    def hold(self, came: Came, error: RefusedError) -> UUID:
        """Raises QuarantineFullError, UnavailableError."""
        print_ = print_of(came, self._vault)
        held_id = held_id_of(came, self._vault, print_)
        owner, name, event = self._sealed(self._quarantine.owner_of(held_id) or uuid4(), came.content)
        self._quarantine.hold(
            Refused(
                held_id,
                came.agreement_id,
                came.partner_id,
                type_in(came.content),
                error.code(),
                reason_of(error),
                came.received_at,
                print_,
                owner,
                name,
                event,
            )
        )
        return held_id

    def _sealed(self, owner: UUID, content: object) -> tuple[UUID, Sealed, Sealed]:
        name, event = self._vault.seal([_secret(owner, _name_in(content)), _secret(owner, kept(content))])
        if isinstance(name, Sealed) and isinstance(event, Sealed):
            return owner, name, event
        return self._sealed(uuid4(), content)  # the owner was swept a moment ago


def reason_of(error: RefusedError) -> str:
    """In one line, with what it names."""
    told = {name.replace("_", " "): part for name, part in error.details.items() if name != "faults"}
    text, named = str(error), [f"{name} {part}" for name, part in told.items()]
    return text if all(one in text for one in named) else f"{text}: {', '.join(named)}"


def seal_event(vault: Vault, owner: UUID, content: object) -> Sealed:
    """Raises ErasedError when it was swept."""
    (event,) = vault.seal([_secret(owner, kept(content))])
    if isinstance(event, RefusedError):
        raise event
    return event


def _secret(owner: UUID, value: object) -> Secret:
    return Secret(owner, Purpose.SERVICE, value)


def kept(content: object) -> object:
    """Of what is too large, all but the data; of that, nothing."""
    if len(to_json(content)) <= LARGEST_KEPT:
        return content
    found = {name: part for name, part in content.items() if name != "data"} if isinstance(content, Mapping) else {}
    return found if len(to_json(found)) <= LARGEST_KEPT else {}


def _name_in(content: object) -> Mapping[str, str]:
    """The source and id that an event claims, fit or not."""
    found = content if isinstance(content, Mapping) else {}
    return {name: part[:1_000] for name in ("source", "id") if isinstance(part := found.get(name), str)}


def print_of(came: Came, vault: Vault) -> bytes:
    """What an event is recognised by when it comes again; of what is no event, all of it."""
    try:
        return vault.fingerprint(Sent.read(came.content).canonical())
    except EventFormError:
        return vault.fingerprint(to_json(came.content))


def held_id_of(came: Came, vault: Vault, print_: bytes) -> UUID:
    """Each content of an event is held for itself: one with its name may be another."""
    name = _name_in(came.content)
    parts = (came.partner_id, name.get("source", ""), name.get("id", ""), print_.hex())
    return vault.derive_id("quarantine", "\0".join(map(str, parts)))
