"""A partner says up to where it did what its feed's tombstones ask for; kept as a fact, for whoever audits it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from domain.agreement.facts import AgreementId
from domain.event import Origin
from domain.execute import Context, Executor
from domain.feed.commands import AcknowledgeFeed
from domain.feed.facts import FeedId
from streams.feeds.delivery import Deliveries, FeedClosedError, FeedPositionError


class Acknowledging:
    """Records what tombstones are acknowledged; where no new one is, there is nothing to record."""

    def __init__(self, deliveries: Deliveries, executor: Executor, derive_id: Callable[[str, str], UUID]) -> None:
        self._deliveries, self._executor, self._derive_id = deliveries, executor, derive_id

    def acknowledge(self, feed: UUID, through: int, actor: str, origin: Origin) -> int:
        """Up to which number tombstones are acknowledged now. Raises FeedPositionError, FeedClosedError."""
        if through > (head := self._deliveries.feeds.head(feed)):
            raise FeedPositionError(through=through, head=head)
        receipt = self._deliveries.receipt(feed)
        if receipt.closed:
            raise FeedClosedError
        if self._deliveries.feeds.last_tombstone(feed, through) <= receipt.through:
            return receipt.through
        command_id = self._derive_id("feed acknowledged", f"{feed} {through}")
        feed_id = FeedId(self._deliveries.stream_of(feed))
        command = AcknowledgeFeed(feed_id=feed_id, agreement_id=AgreementId(feed), through=through)
        self._executor.execute(command, Context(command_id, actor, origin))
        return through
