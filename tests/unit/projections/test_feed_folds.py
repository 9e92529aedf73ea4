"""The rows of feeds: what is acknowledged, and whether they are closed."""

from __future__ import annotations

from uuid import UUID

from domain.agreement.facts import AgreementId
from domain.feed.facts import Closing, FeedAcknowledged, FeedClosed
from projections.partners.feeds import Feed, feeds
from tests.unit.projections.folding import STREAM, after, fold

AGREEMENT = AgreementId(UUID(int=5))


def test_the_furthest_acknowledgement_and_the_end_are_told() -> None:
    seven, closed = FeedAcknowledged(agreement_id=AGREEMENT, through=7), Closing.DEADLINE
    assert fold(feeds, seven) == Feed(STREAM, AGREEMENT, 7, after(0))
    row = fold(feeds, seven, FeedClosed(agreement_id=AGREEMENT, reason=closed))
    assert row == Feed(STREAM, AGREEMENT, 7, after(0), after(1), closed)
