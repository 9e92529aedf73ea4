"""What it means that several ways told the same feed, and how one may differ from another.

Each way tells every number once, in order, none missing. Under one number two ways tell the same event, or the one that
was read later tells less of the same entry: fewer fields, or that it is withheld. What is read once all is quiet tells
as little as any of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from streams.feeds.disclosing import CHANGED, TOMBSTONE, WITHHELD
from tests.faults.following import Event


def assert_one_feed(ways: Sequence[Sequence[Event]], at_last: Sequence[Event]) -> None:
    for told in zip(*ways, at_last, strict=True):
        by_length = sorted(told, key=amount, reverse=True)
        for more, less in itertools.pairwise(by_length):
            assert is_no_more(less, more), (less, more)
        assert amount(told[-1]) == amount(by_length[-1]), told


def amount(event: Event) -> int:
    """How much an event tells: of one that is withheld nothing."""
    return 0 if event["type"] == WITHHELD else len(event["data"])


def is_no_more(less: Event, more: Event) -> bool:
    """The same entry, of which nothing is told that the other does not tell, too."""
    if less["type"] == WITHHELD:
        same = ("id", "source", "feedseq", "agreementversion")
        return more["type"] not in (TOMBSTONE, CHANGED) and all(less[name] == more[name] for name in same)
    return {**less, "data": {}} == {**more, "data": {}} and less["data"].items() <= more["data"].items()
