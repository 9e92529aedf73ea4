"""The relay leaves no hole in a topic, whatever fails, and stops where the topic disagrees."""

from __future__ import annotations

import random
from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ids import uuid7
from adapters.memory.ledger import MemoryLedger
from domain.errors import UnavailableError
from domain.event import PARTITIONS
from domain.ports import Append
from streams.envelope import Outgoing
from streams.relay import BATCH, Relay, TopicDisagreesError, republish
from tests.contracts.ledger_contract import A_FACT, write
from tests.unit.relay_fakes import FakeLane, FakeTopic, Keeper, PromptStop


def fill(ledger: MemoryLedger, facts: int, *, partitions: int = 3, seed: int = 1) -> None:
    draw = random.Random(seed)
    for _ in range(facts):
        subject = UUID(int=uuid7().int & ~(PARTITIONS - 1) | draw.randrange(partitions))
        ledger.append(Append([write(A_FACT, stream=subject)], {subject: 0}))


def publish(ledger: MemoryLedger, topic: FakeTopic, keeper: Keeper | None = None) -> Keeper:
    """Until everything is in the topic."""
    stop, keeper = PromptStop(), keeper or Keeper()
    Relay(FakeLane(ledger, keeper, stop), topic).run(stop)
    return keeper


def in_order(topic: FakeTopic) -> Mapping[int, int]:
    """How far each partition's records can be counted on from 1, repeats and what came early passed over."""
    heads = {}
    for partition, log in enumerate(topic.logs):
        head = 0
        for row in log:
            head += row.seq == head + 1
        if head:
            heads[partition] = head
    return heads


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


def test_every_row_comes_into_its_partition_in_order_once(ledger: MemoryLedger) -> None:
    fill(ledger, 1200)
    topic = FakeTopic()
    keeper = publish(ledger, topic)
    for partition, head in ledger.partition_heads().items():
        assert topic.sequences(partition) == list(range(1, head + 1))
    assert keeper.position == 1200


def test_a_restart_after_a_clean_stop_repeats_nothing(ledger: MemoryLedger) -> None:
    topic = FakeTopic()
    fill(ledger, 50)
    keeper = publish(ledger, topic)
    fill(ledger, 50, seed=2)
    publish(ledger, topic, keeper)
    assert topic.sent == 100
    assert in_order(topic) == ledger.partition_heads()


def test_a_position_that_was_not_saved_repeats_nothing_that_the_topic_shows(ledger: MemoryLedger) -> None:
    topic = FakeTopic()
    fill(ledger, 700)
    publish(ledger, topic)
    publish(ledger, topic, Keeper(position=90))
    assert topic.sent == 700


@given(
    facts=st.integers(1, 60),
    faults=st.dictionaries(st.integers(1, 90), st.sampled_from(["lost", "hole"]), max_size=12),
    seed=st.integers(0, 9),
)
def test_failed_sends_leave_no_hole(facts: int, faults: dict[int, str], seed: int) -> None:
    ledger, topic = MemoryLedger(), FakeTopic(faults)
    fill(ledger, facts, seed=seed)
    keeper = publish(ledger, topic)
    assert in_order(topic) == ledger.partition_heads()
    assert keeper.position == facts


def test_a_failed_send_among_written_ones_is_sent_again_before_those_after_it(ledger: MemoryLedger) -> None:
    fill(ledger, 10, partitions=1)
    topic = FakeTopic({4: "hole"})
    publish(ledger, topic)
    assert topic.sequences(0) == [1, 2, 3, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10]
    assert topic.opened == 2


def test_the_saved_position_never_passes_what_is_acknowledged(ledger: MemoryLedger) -> None:
    class Slow(FakeTopic):
        def oldest_unacknowledged(self) -> int | None:
            return 7

        def flush(self, _timeout_s: float) -> None:
            raise UnavailableError

    fill(ledger, 20)
    assert publish(ledger, Slow()).position == 6


def test_what_a_relay_taken_for_dead_still_writes_is_but_repeats(ledger: MemoryLedger) -> None:
    topic = FakeTopic()
    fill(ledger, 30, partitions=1)
    keeper = publish(ledger, topic)
    topic.logs[0] += topic.logs[0][19:27]
    fill(ledger, 5, partitions=1, seed=2)
    publish(ledger, topic, keeper)
    assert topic.sequences(0) == [*range(1, 31), *range(20, 28), *range(28, 36)]
    assert in_order(topic) == {0: 35}


def test_rows_that_come_early_do_not_hide_the_missing_ones(ledger: MemoryLedger) -> None:
    fill(ledger, 20, partitions=1)
    source = FakeTopic()
    publish(ledger, source)
    topic = FakeTopic()
    topic.logs[0] = source.logs[0][:8] + source.logs[0][12:15]
    publish(ledger, topic, Keeper(position=8))
    assert topic.sequences(0) == [*range(1, 9), 13, 14, 15, *range(9, 21)]


def test_a_topic_that_was_made_anew_is_filled_from_the_first_row(ledger: MemoryLedger) -> None:
    fill(ledger, 40)
    keeper = publish(ledger, FakeTopic())
    topic = FakeTopic()
    publish(ledger, topic, keeper)
    assert in_order(topic) == ledger.partition_heads()
    assert topic.sent == 40


def test_a_topic_made_anew_that_got_a_row_before_anyone_saw_it_is_filled_from_the_first(ledger: MemoryLedger) -> None:
    fill(ledger, 40, partitions=1)
    source = FakeTopic()
    keeper = publish(ledger, source)
    topic = FakeTopic()
    topic.logs[0] = source.logs[0][-1:]
    publish(ledger, topic, keeper)
    assert topic.sequences(0) == [40, *range(1, 41)]


def test_acknowledged_records_that_the_broker_lost_are_sent_again(ledger: MemoryLedger) -> None:
    fill(ledger, 40)
    topic = FakeTopic()
    keeper = publish(ledger, topic)
    del topic.logs[1][-5:]
    fill(ledger, 3, seed=5)
    publish(ledger, topic, keeper)
    assert in_order(topic) == ledger.partition_heads()
    assert topic.sent == 48


def test_republishing_makes_the_relay_that_runs_begin_again(ledger: MemoryLedger) -> None:
    fill(ledger, 30)
    topic, keeper, stop = FakeTopic(), Keeper(), PromptStop()

    class Idle(FakeLane):
        def wait(self, _timeout_s: float) -> None:
            self.waits += 1
            if self.waits == 1:
                republish(FakeLane(ledger, keeper, stop), topic.empty)
            elif topic.opened == 2:
                stop.set()

    clock = iter(range(0, 10_000, 10))
    Relay(Idle(ledger, keeper, stop), topic, clock=lambda: next(clock)).run(stop)
    assert in_order(topic) == ledger.partition_heads()
    assert (topic.sent, topic.opened) == (60, 2)


def test_what_retention_took_from_the_topic_is_not_sent_again(ledger: MemoryLedger) -> None:
    fill(ledger, 60)
    topic = FakeTopic()
    keeper = publish(ledger, topic)
    sent = topic.sent
    for partition, kept in ((0, 0), (1, 2)):
        gone = len(topic.logs[partition]) - kept
        topic.firsts[partition], topic.logs[partition] = gone, topic.logs[partition][gone:]
    fill(ledger, 20, seed=3)
    publish(ledger, topic, keeper)
    assert topic.sent == sent + 20


def test_a_record_that_is_another_than_the_ledgers_stops_the_relay(ledger: MemoryLedger) -> None:
    fill(ledger, 10, partitions=1)
    topic, restored = FakeTopic(), MemoryLedger()
    publish(ledger, topic)
    fill(restored, 12, partitions=1)
    with pytest.raises(TopicDisagreesError, match=r"republish.*partition 0"):
        publish(restored, topic, Keeper(position=6))
    assert topic.sent == 10


def test_a_topic_ahead_of_the_ledger_stops_the_relay(ledger: MemoryLedger) -> None:
    fill(ledger, 10)
    topic, restored = FakeTopic(), MemoryLedger()
    publish(ledger, topic)
    with pytest.raises(TopicDisagreesError):
        publish(restored, topic)
    assert topic.sent == 10


def test_one_relay_leads_and_another_waits_for_it(ledger: MemoryLedger) -> None:
    fill(ledger, 5)
    topic, keeper, stop = FakeTopic(), Keeper(leader="another"), PromptStop()

    class Impatient(PromptStop):
        waits = 0

        def wait(self, _timeout: float | None = None) -> bool:
            self.waits += 1
            if self.waits == 3:
                keeper.leader = None
            return self.is_set()

    stop = Impatient()
    Relay(FakeLane(ledger, keeper, stop), topic).run(stop)
    assert (stop.waits, topic.sent) == (3, 5)


def test_a_relay_that_lost_the_lead_reads_and_sends_no_more(ledger: MemoryLedger) -> None:
    fill(ledger, 3 * BATCH, partitions=2)
    keeper, stop = Keeper(), PromptStop()
    lane = FakeLane(ledger, keeper, stop)

    class Paused(FakeTopic):
        def send(self, row: Outgoing, timeout_s: float) -> bool:
            if self.sent == 10 and lane.alive:
                lane.alive, keeper.leader = False, "another"
                stop.set()
            return super().send(row, timeout_s)

    topic = Paused()
    Relay(lane, topic).run(stop)
    assert topic.sent <= BATCH
    assert keeper.position == 0
