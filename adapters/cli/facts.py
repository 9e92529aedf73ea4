"""Facts as they are shown, by `relato history` and `relato tail` alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from adapters.cli.moments import show_time
from adapters.cli.terminal import as_text, json_line, print_line, print_table
from domain.errors import UnknownFactError
from domain.event import Event
from domain.money import Money
from projections.disclosure import Disclosure

PAGE = 1_000
UNREADABLE = {"unreadable": "this release does not know the fact"}
COLUMNS = ("position", "occurred", "recorded", "fact", "what", "by")


def opened(events: Sequence[Event], disclosure: Disclosure) -> Iterator[tuple[Event, Mapping[str, Any]]]:
    """Each event with its content opened, page by page."""
    left = iter(events)
    while page := list(islice(left, PAGE)):
        yield from zip(page, disclosure.open_within([_content(event) for event in page]), strict=True)


def _content(event: Event) -> Mapping[str, Any]:
    try:
        return event.fact.model_dump(exclude_none=True)
    except (UnknownFactError, ValidationError):
        return UNREADABLE


def print_facts(events: Sequence[Event], disclosure: Disclosure, zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        for event, content in opened(events, disclosure):
            print_line(json_line(_record(event, content)))
    else:
        print_table(COLUMNS, ([*_cells(event, content, zone)] for event, content in opened(events, disclosure)))


def print_running(events: Sequence[Event], disclosure: Disclosure, zone: ZoneInfo, *, as_json: bool) -> None:
    """Line by line, for what goes on and on."""
    for event, content in opened(events, disclosure):
        if as_json:
            print_line(json_line(_record(event, content)))
        else:
            print_line("  ".join(as_text(cell) for cell in _cells(event, content, zone)).replace("\n", " "))


def _record(event: Event, content: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("position", "event_id", "type", "stream_id", "stream_version", "subject_id", "subject_seq")
    more = ("occurred_at", "recorded_at", "actor", "origin", "command_id", "causation_id", "correlation_id")
    return {name: getattr(event, name) for name in (*names, *more)} | {"fact": content}


def _cells(event: Event, content: Mapping[str, Any], zone: ZoneInfo) -> Sequence[Any]:
    name = event.type.removeprefix("crm.").removesuffix(".v1")
    times = (show_time(event.occurred_at, zone), show_time(event.recorded_at, zone))
    return event.position, *times, name, as_text(_readable(content)), event.actor


def _readable(thing: Any) -> Any:
    """Money reads as 12.34 EUR."""
    if isinstance(thing, Mapping):
        if thing.keys() == {"amount_minor", "currency"}:
            return str(Money.model_validate(dict(thing)))
        return {name: _readable(part) for name, part in thing.items()}
    return [_readable(part) for part in thing] if isinstance(thing, list | tuple) else thing
