"""What can be ordered about a feed, by our own code: it knows what the feed told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.agreement.facts import AgreementId
from domain.decider import Command
from domain.feed.facts import Closing, FeedId


class ForFeed(Command):
    feed_id: FeedId
    agreement_id: AgreementId


class AcknowledgeFeed(ForFeed):
    """What the tombstones up to this number ask for is done."""

    NAME = "feed.acknowledge"
    through: Annotated[int, Field(ge=1)]


class CloseFeed(ForFeed):
    """Nothing more is told."""

    NAME = "feed.close"
    reason: Closing


FeedCommand = AcknowledgeFeed | CloseFeed
