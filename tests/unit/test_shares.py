"""A department's topic: what it follows and no field more, each record naming the one before it, no hole."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ids import uuid7
from adapters.memory.ledger import MemoryLedger
from domain.event import PARTITIONS
from domain.ports import Append
from domain.product.facts import ProductWithdrawn
from domain.ticket.facts import TicketOpened
from streams.departments import DEPARTMENTS
from streams.envelope import MalformedRecordError
from streams.relay import Relay, TopicDisagreesError
from streams.shares import Share, decode_share, encoder_of, identify_share
from streams.topics import SHARE_PARTITIONS
from tests.contracts.ledger_contract import A_FACT, write
from tests.given import seal
from tests.unit.relay_fakes import FakeShareLane, FakeTopic, Keeper, PromptStop

FOLLOWED, NOT_FOLLOWED = A_FACT, TicketOpened(summary=seal("secret"), priority="high")
MARKETING = DEPARTMENTS["marketing"]


def fill(ledger: MemoryLedger, facts: int, *, partitions: int = 40, seed: int = 1) -> None:
    """Marketing follows two of three."""
    draw = random.Random(seed)
    for _ in range(facts):
        subject = UUID(int=uuid7().int & ~(PARTITIONS - 1) | draw.randrange(partitions))
        fact = draw.choice([FOLLOWED, FOLLOWED, NOT_FOLLOWED])
        ledger.append(Append([write(fact, stream=subject)], {subject: 0}))


def a_topic(faults: Mapping[int, str] | None = None) -> FakeTopic:
    return FakeTopic(faults, SHARE_PARTITIONS, identify_share)


def publish(ledger: MemoryLedger, topic: FakeTopic, keeper: Keeper | None = None) -> Keeper:
    stop, keeper = PromptStop(), keeper or Keeper()
    Relay(FakeShareLane(ledger, keeper, stop, department=MARKETING), topic).run(stop)
    return keeper


def shares_in(topic: FakeTopic, partition: int) -> Sequence[Share]:
    log = enumerate(topic.logs[partition], topic.firsts[partition])
    return [decode_share(partition, offset, row.key, row.value, row.headers) for offset, row in log]


def taken(topic: FakeTopic) -> Mapping[int, list[int]]:
    """What a reader has who takes a record when it names the last one it has, and else waits for the right one."""
    found: dict[int, list[int]] = {}
    for partition in range(SHARE_PARTITIONS):
        own = found.setdefault(partition, [])
        for share in shares_in(topic, partition):
            if share.previous == (own[-1] if own else 0):
                own.append(share.position)
    return found


def followed(ledger: MemoryLedger) -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = {partition: [] for partition in range(SHARE_PARTITIONS)}
    for event in ledger.read(0, ledger.last_position()):
        if MARKETING.follows(event):
            found[event.partition % SHARE_PARTITIONS].append(event.position)
    return found


def test_a_record_tells_the_departments_fields_at_the_facts_place() -> None:
    ledger, subject = MemoryLedger(), uuid7()
    opened = TicketOpened(summary=seal("My child is ill"), priority="high")
    ledger.append(Append([write(opened, stream=subject)], {subject: 0}))
    [event] = ledger.load([subject])
    row = encoder_of(DEPARTMENTS["sales"], "/relato/test")(event, 3, 0)
    share = decode_share(3, 0, row.key, row.value, row.headers)
    assert (share.position, share.previous, share.partition, share.subject_id) == (1, 0, 3, subject)
    assert (share.event_id, share.type, share.occurred_at) == (event.event_id, event.type, event.occurred_at)
    assert share.content == {"priority": "high", "anonymous": False}
    told = repr((row.value, row.headers))
    assert str(opened.summary) not in told
    assert event.hash.hex() not in told  # what is left out could be guessed and tried against it


def test_a_record_of_somebody_else_is_said_to_be_so() -> None:
    for read in (decode_share, lambda *given: identify_share(given[0], given[1], given[3], given[4])):
        with pytest.raises(MalformedRecordError, match="offset 7"):
            read(3, 7, b"key", b"{}", [("relato", b"{}")])


def test_what_is_followed_comes_in_order_once() -> None:
    ledger, topic = MemoryLedger(), a_topic()
    fill(ledger, 900)
    keeper = publish(ledger, topic)
    assert taken(topic) == followed(ledger)
    assert topic.sent == sum(map(len, followed(ledger).values())) < keeper.position == 900
    fill(ledger, 100, seed=2)
    publish(ledger, topic, keeper)
    assert taken(topic) == followed(ledger)
    assert topic.sent == sum(map(len, followed(ledger).values()))


@given(
    facts=st.integers(1, 60),
    faults=st.dictionaries(st.integers(1, 60), st.sampled_from(["lost", "hole"]), max_size=12),
    seed=st.integers(0, 9),
    partitions=st.integers(1, 20),
)
def test_failed_sends_leave_no_hole(facts: int, faults: dict[int, str], seed: int, partitions: int) -> None:
    ledger, topic = MemoryLedger(), a_topic(faults)
    fill(ledger, facts, seed=seed, partitions=partitions)
    keeper = publish(ledger, topic)
    assert taken(topic) == followed(ledger)
    assert keeper.position == facts


def test_a_lost_position_a_lost_topic_and_what_retention_took_are_told_apart() -> None:
    ledger, topic = MemoryLedger(), a_topic()
    fill(ledger, 300)
    keeper = publish(ledger, topic)
    sent = topic.sent
    publish(ledger, topic, Keeper())
    assert topic.sent == sent  # the topic itself shows what it has
    anew = a_topic()
    publish(ledger, anew, Keeper(position=300))
    assert taken(anew) == followed(ledger)
    for partition in range(SHARE_PARTITIONS):
        gone = max(0, len(topic.logs[partition]) - partition % 2)
        topic.firsts[partition], topic.logs[partition] = gone, topic.logs[partition][gone:]
    fill(ledger, 30, seed=4)
    publish(ledger, topic, keeper)
    new = [position for positions in followed(ledger).values() for position in positions if position > 300]
    assert topic.sent == sent + len(new)


def test_a_topic_of_another_ledger_stops_the_relay() -> None:
    ledger, restored, topic = MemoryLedger(), MemoryLedger(), a_topic()
    fill(ledger, 30)
    publish(ledger, topic)
    fill(restored, 40)
    with pytest.raises(TopicDisagreesError):
        publish(restored, topic, Keeper(position=10))


def test_types_that_nobody_follows_here_are_never_sent() -> None:
    ledger, topic, subject = MemoryLedger(), a_topic(), uuid7()
    ledger.append(Append([write(NOT_FOLLOWED, stream=subject)], {subject: 0}))
    assert publish(ledger, topic).position == 1
    assert topic.sent == 0
    assert ProductWithdrawn.TYPE in MARKETING.types
