"""Refused events as they are told: to the partner by their names, to an administrator with what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from projections.rendering import marked
from streams.inbound.quarantine import Held

INTERNAL = ("fingerprint", "owner", "name", "event")
OURS = ("agreement_id", "partner_id", "mended_by", "decided_by")
TO_PARTNER = tuple(name for name in Held._fields if name not in (*INTERNAL, *OURS))
Opening = Callable[[Sequence[Any]], Sequence[Any]]
"""Opens the sealed values within each of the things: Disclosure.open_within."""


def tell_to_partner(held: Sequence[Held], opening: Opening) -> Sequence[Mapping[str, Any]]:
    """Under `event` the source and id that it had."""
    return _opened([_plain(one, (*INTERNAL, *OURS)) | {"event": one.name} for one in held], opening)


def tell_names(held: Sequence[Held], opening: Opening) -> Sequence[Mapping[str, Any]]:
    """As an administrator sees many of them."""
    return _opened([_plain(one, INTERNAL) | {"event": one.name} for one in held], opening)


def tell_whole(held: Held, opening: Opening) -> Mapping[str, Any]:
    """With all that is held of it; of one that is settled, its name."""
    return _opened([_plain(held, INTERNAL) | {"event": held.event or held.name}], opening)[0]


def _plain(held: Held, without: Sequence[str]) -> dict[str, Any]:
    told = {name: part for name, part in held._asdict().items() if name not in without}
    return told | {"state": held.state.value}


def _opened(told: Sequence[Mapping[str, Any]], opening: Opening) -> Sequence[Mapping[str, Any]]:
    return [marked(one, ("event",)) for one in opening(told)]
