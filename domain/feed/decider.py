"""The rules for feeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Registration, Target
from domain.feed.commands import AcknowledgeFeed, CloseFeed, FeedCommand
from domain.feed.facts import FeedAcknowledged, FeedClosed, FeedFact


@dataclass(frozen=True, slots=True)
class Receipt:
    """Up to which number the partner has acknowledged tombstones, and whether the feed is closed."""

    through: int = 0
    closed: bool = False


NOTHING = Receipt()


def decide(command: FeedCommand, receipt: Receipt) -> Sequence[FeedFact]:
    match command:
        case AcknowledgeFeed(agreement_id=agreement_id, through=through):
            is_known = receipt.closed or through <= receipt.through
            return [] if is_known else [FeedAcknowledged(agreement_id=agreement_id, through=through)]
        case CloseFeed(agreement_id=agreement_id, reason=reason):
            return [] if receipt.closed else [FeedClosed(agreement_id=agreement_id, reason=reason)]
        case _:
            assert_never(command)


def evolve(receipt: Receipt, fact: FeedFact) -> Receipt:
    match fact:
        case FeedAcknowledged(through=through):
            return replace(receipt, through=max(through, receipt.through))
        case FeedClosed():
            return replace(receipt, closed=True)
        case _:
            assert_never(fact)


feed = Decider("feed", NOTHING, decide, evolve)

ADDRESSED = (Target(feed, "feed_id"),)
REGISTRATIONS = tuple(Registration(command, ADDRESSED, offered=False) for command in (AcknowledgeFeed, CloseFeed))
