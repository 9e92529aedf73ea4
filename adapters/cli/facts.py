"""Facts as they are shown, by `relato history` and `relato tail` alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from adapters.cli.moments import show_time
from adapters.cli.terminal import print_json, print_line, print_table
from domain.event import Event
from domain.money import Money
from projections.disclosure import Disclosure
from projections.facts import opened, record_of
from projections.rendering import as_text

ShareOf = Callable[[Event], Mapping[str, Any]]
COLUMNS = ("position", "occurred", "recorded", "fact", "what", "by")


def print_facts(
    events: Sequence[Event], disclosure: Disclosure, zone: ZoneInfo, *, as_json: bool, share_of: ShareOf | None = None
) -> None:
    told = opened(events, disclosure, share_of)
    if as_json:
        for event, content in told:
            print_json(record_of(event, content))
    else:
        print_table(COLUMNS, ([*_cells(event, content, zone)] for event, content in told))


def print_running(
    events: Sequence[Event],
    disclosure: Disclosure,
    zone: ZoneInfo,
    *,
    as_json: bool,
    share_of: ShareOf | None = None,
) -> None:
    """Line by line, for what goes on and on."""
    for event, content in opened(events, disclosure, share_of):
        if as_json:
            print_json(record_of(event, content))
        else:
            print_line("  ".join(as_text(cell) for cell in _cells(event, content, zone)).replace("\n", " "))


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
