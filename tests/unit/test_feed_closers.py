"""When a feed has ended: it waits for its tombstones' acknowledgement, then every way to it is closed, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.filters.cel import CelFilters
from adapters.ids import uuid7
from domain.access.facts import KeyRevoked
from domain.agreement.facts import AgreementId
from domain.errors import UnavailableError
from domain.event import Event, Origin
from domain.feed.commands import AcknowledgeFeed
from domain.feed.facts import Closing, FeedClosed, FeedId
from streams.feeds import actor
from streams.feeds.closing import AGAIN_S, FeedCloser, Term
from streams.feeds.delivery import feed_stream
from tests.memory_feeds import MemoryDesk
from tests.world import ONE_LINE, World, fresh

TERMS = {"purpose": "x", "scope": "all", "shows": [{"type": "crm.order.placed.v1", "fields": ["number"]}]}
PATIENCE = timedelta(days=30)


class Doors:
    """One door that may be stuck, and remembers what it closed."""

    def __init__(self) -> None:
        self.closed: list[tuple[UUID, UUID]] = []
        self.stuck: set[UUID] = set()

    def close(self, feed: UUID, partner_id: UUID) -> None:
        if feed in self.stuck:
            raise UnavailableError("stuck")
        self.closed.append((feed, partner_id))


class Story:
    """A company, its partners' feeds, and who closes them."""

    def __init__(self) -> None:
        self.world, self.door = World(), Doors()
        self.desk, self.seconds, self.late = MemoryDesk(self.world.ledger), 0.0, timedelta()
        self.partner_id = self.partner()

    def partner(self) -> UUID:
        partner_id = uuid7()
        self.world.do("partner.register", partner_id=partner_id, name="Olaria", kind="supplier")
        return partner_id

    def agree(self, partner_id: UUID | None = None) -> UUID:
        feed = uuid7()
        self.world.do("agreement.draft", agreement_id=feed, partner_id=partner_id or self.partner_id, terms=TERMS)
        self.world.do("agreement.activate", agreement_id=feed)
        return feed

    def key(self, partner_id: UUID | None = None) -> UUID:
        access_id = uuid7()
        self.world.do("access.admit", access_id=access_id, acts_as=partner_id or self.partner_id)
        self.world.do("access.issue_key", access_id=access_id, hash=access_id.hex * 2)
        return access_id

    def order(self) -> None:
        customer_id = self.world.customer()
        self.world.do("order.place", order_id=uuid7(), customer_id=customer_id, kind="sale", **ONE_LINE)

    def remove(self) -> None:
        self.world.do("partner.remove", partner_id=self.partner_id)

    def enter(self) -> None:
        term = actor.Term(self.desk, CelFilters())
        while term.step():
            pass

    def acknowledge(self, feed: UUID, through: int) -> None:
        feed_id = FeedId(feed_stream(self.world.vault.derive_id, feed))
        command = AcknowledgeFeed(feed_id=feed_id, agreement_id=AgreementId(feed), through=through)
        self.world.here.execute(command, fresh())

    def term(self) -> Term:
        closer = FeedCloser(
            self.desk, self.desk, self.world.elsewhere, self.world.vault.derive_id, patience=PATIENCE,
            clock=lambda: datetime.now(UTC) + self.late, doors=[self.door],
        )  # fmt: skip
        return Term(self.desk, closer, clock=lambda: self.seconds)

    def events(self, *types: type) -> Sequence[Event]:
        log = self.world.ledger.read(0, self.world.ledger.last_position())
        return [event for event in log if isinstance(event.fact, types)]

    @property
    def closings(self) -> list[tuple[UUID, Closing]]:
        return [(one.fact.agreement_id, one.fact.reason) for one in self.events(FeedClosed)
                if isinstance(one.fact, FeedClosed)]  # fmt: skip

    @property
    def revoked(self) -> list[UUID]:
        return [one.stream_id for one in self.events(KeyRevoked)]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_removed_partner_keeps_its_keys_until_its_tombstones_are_acknowledged(story: Story) -> None:
    feed, key, other = story.agree(), story.key(), story.key(story.partner())
    story.order()
    story.remove()
    story.enter()
    term = story.term()
    term.step()
    assert (story.closings, story.revoked, story.door.closed) == ([], [], [])
    story.acknowledge(feed, 1)
    term.step()
    assert story.closings == []
    story.acknowledge(feed, 2)
    term.step()
    assert story.closings == [(feed, Closing.ACKNOWLEDGED)]
    assert story.door.closed == [(feed, story.partner_id)]
    assert story.revoked == [key]
    assert other not in story.revoked


def test_after_its_time_it_is_closed_without_an_acknowledgement(story: Story) -> None:
    feed, key = story.agree(), story.key()
    story.order()
    story.remove()
    story.enter()
    story.late = PATIENCE - timedelta(hours=1)
    story.term().step()
    assert story.closings == []
    story.late = PATIENCE
    story.term().step()
    assert (story.closings, story.revoked) == ([(feed, Closing.DEADLINE)], [key])


def test_a_feed_that_told_nothing_closes_at_once_but_not_before_it_is_known_that_it_did_not(story: Story) -> None:
    feed, key = story.agree(), story.key()
    story.remove()
    story.term().step()
    assert story.closings == []
    story.enter()
    story.term().step()
    assert (story.closings, story.revoked) == ([(feed, Closing.UNTOLD)], [key])


def test_a_feed_that_is_behind_the_others_is_not_closed_before_it_has_caught_up(story: Story) -> None:
    feed = story.agree()
    story.remove()
    story.enter()
    story.desk._late[feed] = 0
    story.late = PATIENCE
    story.term().step()
    assert story.closings == []
    del story.desk._late[feed]
    story.term().step()
    assert story.closings == [(feed, Closing.UNTOLD)]


def test_a_partner_without_feeds_loses_its_keys_at_once(story: Story) -> None:
    key = story.key()
    story.remove()
    story.term().step()
    assert story.revoked == [key]


def test_a_revoked_agreement_closes_and_its_partners_keys_go_on(story: Story) -> None:
    feed, other = story.agree(), story.agree()
    story.key()
    story.order()
    story.world.do("agreement.revoke", agreement_id=feed)
    story.enter()
    story.acknowledge(feed, 2)
    story.term().step()
    assert (story.closings, story.revoked) == ([(feed, Closing.ACKNOWLEDGED)], [])
    assert story.door.closed == [(feed, story.partner_id)]
    assert other


def test_keys_stay_while_one_of_the_partners_feeds_is_open(story: Story) -> None:
    first, second = story.agree(), story.agree()
    key = story.key()
    story.order()
    story.remove()
    story.enter()
    term = story.term()
    story.acknowledge(first, 2)
    term.step()
    assert ([feed for feed, _ in story.closings], story.revoked) == ([first], [])
    story.acknowledge(second, 2)
    term.step()
    assert story.revoked == [key]


def test_a_door_that_is_stuck_keeps_no_other_feed_open_and_is_tried_again(story: Story) -> None:
    stuck, fine = story.agree(), story.agree()
    story.key()
    story.remove()
    story.enter()
    story.door.stuck = {stuck}
    term = story.term()
    term.step()
    assert ([feed for feed, _ in story.closings], story.revoked) == ([fine], [])
    story.door.stuck = set()
    term.step()
    assert len(story.closings) == 1
    story.seconds += AGAIN_S
    term.step()
    assert (len(story.closings), len(story.revoked)) == (2, 1)


def test_whoever_begins_anew_does_nothing_twice_and_says_why_it_was_done(story: Story) -> None:
    story.agree()
    story.key()
    story.remove()
    story.enter()
    for _ in range(3):
        story.term().step()
    (closed,), (revoked,) = story.events(FeedClosed), story.events(KeyRevoked)
    (removed,) = (one for one in story.world.ledger.load([story.partner_id]) if one.type == "crm.partner.removed.v1")
    for event in (closed, revoked):
        assert (event.origin, event.causation_id, event.actor) == (Origin.REACTOR, removed.event_id, "tester")


def test_a_key_that_is_issued_to_a_partner_who_has_gone_is_revoked_too(story: Story) -> None:
    story.remove()
    term = story.term()
    term.step()
    key = story.key()
    term.step()
    assert story.revoked == [key]
