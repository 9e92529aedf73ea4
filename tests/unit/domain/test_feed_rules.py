"""What a partner acknowledges is kept once, a closed feed stays closed."""

from __future__ import annotations

from uuid import UUID

from domain.agreement.facts import AgreementId
from domain.feed.commands import AcknowledgeFeed, CloseFeed
from domain.feed.facts import Closing, FeedAcknowledged, FeedClosed, FeedId
from tests.given import given

AGREEMENT = AgreementId(UUID(int=2))
FEED = FeedId(UUID(int=1))
CLOSED = FeedClosed(agreement_id=AGREEMENT, reason=Closing.ACKNOWLEDGED)


def acknowledged(through: int) -> FeedAcknowledged:
    return FeedAcknowledged(agreement_id=AGREEMENT, through=through)


def acknowledge(through: int) -> AcknowledgeFeed:
    return AcknowledgeFeed(feed_id=FEED, agreement_id=AGREEMENT, through=through)


def test_an_acknowledgement_that_reaches_further_is_kept() -> None:
    given().when(acknowledge(7)).then(acknowledged(7))
    given(acknowledged(7)).when(acknowledge(9)).then(acknowledged(9))


def test_what_was_acknowledged_is_not_acknowledged_again() -> None:
    given(acknowledged(7)).when(acknowledge(7)).then()
    given(acknowledged(7)).when(acknowledge(3)).then()


def test_a_feed_closes_once_and_nothing_follows() -> None:
    close = CloseFeed(feed_id=FEED, agreement_id=AGREEMENT, reason=Closing.ACKNOWLEDGED)
    given(acknowledged(7)).when(close).then(CLOSED)
    given(CLOSED).when(close).then()
    given(CLOSED).when(acknowledge(9)).then()
