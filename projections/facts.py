"""Facts as they are told to somebody: opened as far as the role may see, at their place in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, get_args

from pydantic import ValidationError

from domain.errors import UnknownFactError
from domain.event import Event
from domain.fact import Fact
from domain.personal import Sealed
from projections.disclosure import Disclosure, as_sealed

PAGE = 1_000
UNREADABLE = {"unreadable": "this release does not know the fact"}


def opened(
    events: Sequence[Event], disclosure: Disclosure, share_of: Callable[[Event], Mapping[str, Any]] | None = None
) -> Iterator[tuple[Event, Mapping[str, Any]]]:
    """Each event with its content opened, as they are taken; with `share_of` that much of the content."""
    told = share_of or content_of
    left = iter(events)
    while page := list(islice(left, PAGE)):
        yield from zip(page, disclosure.open_each([told(event) for event in page]), strict=True)


def content_of(event: Event) -> Mapping[str, Any]:
    """Sealed values are sealed still."""
    try:
        return event.fact.model_dump(exclude_none=True)
    except (UnknownFactError, ValidationError):
        return UNREADABLE


def long_texts_in(event: Event) -> int:
    """How many texts lie apart from the fact: each may have 16 MiB."""
    return event.data.count(b'"c1.')


def revived(type_: str, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """A fact's content from its JSON, or some fields of it: sealed values are known as such again."""
    sealed = _sealed_fields(type_)
    return {name: as_sealed(part) if name in sealed else part for name, part in stored.items()}


@cache
def _sealed_fields(type_: str) -> Collection[str]:
    known = Fact.types.get(type_)
    fields = known.model_fields.items() if known else ()
    return {name for name, field in fields if _holds_sealed(field.annotation)}


def _holds_sealed(annotation: Any) -> bool:
    return annotation is Sealed or any(_holds_sealed(part) for part in get_args(annotation))


def record_of(event: Event, content: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("position", "event_id", "type", "stream_id", "stream_version", "subject_id", "subject_seq")
    more = ("occurred_at", "recorded_at", "actor", "origin", "command_id", "causation_id", "correlation_id")
    return {name: getattr(event, name) for name in (*names, *more)} | {"fact": content}
