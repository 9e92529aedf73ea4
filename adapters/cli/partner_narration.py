"""What the demonstration says of one partner: what it was told and answered, what it had to forget, how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from adapters.cli.narration import head
from adapters.cli.terminal import print_line, print_table
from adapters.simulation.partnership import Begun, Forgotten, Parted, count_withheld
from adapters.simulation.ways import Event
from projections.rendering import as_text

SHOWN = 3


def tell_begun(name: str, begun: Begun) -> None:
    head(f"That supplier gets a feed: {name}")
    print_line(
        "An agreement says which facts, which fields of them, about whose products; it reaches back over the year."
    )
    print_line(f"`relato feed preview`, before it holds: {len(begun.previewed):,} events.")
    ways = [*begun.ways[:-1], f"and {begun.ways[-1]}"]
    print_line(
        f"Then it holds, and is followed by {', '.join(ways)}: what was previewed, and event for event the same."
    )
    counted = Counter(_name(event) for event in begun.told)
    print_table(["event", "told"], counted.most_common())
    print_line("The last of them:")
    _show(begun.told[-SHOWN:])
    print_line("It writes back, and each event has a verdict; sent again, it happens no second time:")
    rows = [[answer.what, answer.verdict, answer.again, answer.reason] for answer in begun.answers]
    print_table(["what it tells", "verdict", "again", "why"], rows)


def tell_forgotten(name: str, forgotten: Forgotten) -> None:
    print_line(f"{name} is told in every way what to delete:")
    _show(forgotten.told)
    withheld = count_withheld(forgotten.anew)
    print_line(f"Its feed read again from the beginning: {withheld} of {len(forgotten.anew):,} events are withheld.")


def tell_parted(name: str, parted: Parted) -> None:
    head(f"{name} is a partner no more")
    print_line("Its feed tells tombstones alone, the last of which says: delete all.")
    _show(parted.anew)
    user = ", as is its user in Kafka" if parted.had_topic else ""
    print_line(
        "It says that this is done. So the feed is closed, its key opens nothing any more, and the endpoint of its"
    )
    print_line(f"webhook is removed{user}.")


def _show(events: Sequence[Event]) -> None:
    rows = [[event["feedseq"], _name(event), as_text(_told(event))] for event in events]
    print_table(["number", "event", "what"], rows)


def _told(event: Event) -> dict[str, Any]:
    """Lists by their length; whom a tombstone is about by the partner's name for it, cut short."""
    return {name: len(value) if isinstance(value, list) else value for name, value in event["data"].items()}


def _name(event: Event) -> str:
    return str(event["type"]).removeprefix("crm.").removesuffix(".v1").replace(".", " ").replace("_", " ")
