"""A transport that repeats and forgets becomes a log without repeats and gaps; reading ahead changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import pytest

from domain.customer.facts import CustomerRegistered, CustomerStageChanged, Kind, Stage
from domain.event import Event
from projections.engine.ahead import ReadAhead
from projections.engine.sources import FILL, NOTHING, Batch, HoleError, Mended, Passed
from tests.unit.test_engine_fold import happened

LAPSED = CustomerStageChanged(stage=Stage.LAPSED)
REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT)


def facts(*seqs: int) -> list[Event]:
    return [happened(seq, UUID(int=64), REGISTERED if seq % 2 else LAPSED) for seq in seqs]


class FakeLedger:
    """Partition 0 with so many facts; a log too."""

    def __init__(self, head: int) -> None:
        self.events = facts(*range(1, head + 1))
        self.asked: list[int] = []

    def read(self, partition: int, after: int, until: int) -> Sequence[Event]:
        assert partition == 0
        return self.events[after:until]

    def heads(self) -> Mapping[int, int]:
        return {0: len(self.events)}

    def read_on(self, after: Mapping[int, int], *, limit: int, timeout_s: float, skip: Collection[str]) -> Batch:
        assert timeout_s >= 0
        self.asked.append(after[0])
        events = self.events[after[0] : after[0] + limit]
        return Batch([e for e in events if e.type not in skip], {0: after[0] + len(events)}) if events else NOTHING

    def close(self) -> None: ...


class FakeSource:
    def __init__(self, *answers: Sequence[Event | Passed]) -> None:
        self.answers = list(answers)

    def poll(
        self, after: Mapping[int, int], limit: int, timeout_s: float, skip: Collection[str]
    ) -> Sequence[Event | Passed]:
        assert limit > len(after) + timeout_s + len(skip)
        return self.answers.pop(0) if self.answers else []

    def close(self) -> None: ...


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def mended(answer: list[Event], after: int = 0, head: int = 10) -> tuple[list[int], Mapping[int, int]]:
    batch = Mended(FakeSource(answer), FakeLedger(head), clock=Clock()).read_on(
        {0: after}, limit=9, timeout_s=0, skip=()
    )
    return [event.partition_seq for event in batch.events], batch.through


def test_repeats_are_dropped_and_gaps_filled() -> None:
    assert mended(facts(1, 2, 2, 1, 3)) == ([1, 2, 3], {0: 3})
    assert mended(facts(1, 4, 6)) == ([1, 2, 3, 4, 5, 6], {0: 6})
    assert mended(facts(3, 4, 5), after=4) == ([5], {0: 5})
    assert mended(facts(7, 8), after=5) == ([6, 7, 8], {0: 8})
    assert mended([]) == ([], {})


def test_a_long_gap_is_filled_in_several_calls() -> None:
    log = Mended(FakeSource(facts(FILL * 2), []), FakeLedger(FILL * 2), clock=Clock())
    batch = log.read_on({0: 0}, limit=9, timeout_s=0, skip=())
    assert (len(batch.events), batch.through) == (FILL, {0: FILL})


def test_a_partition_that_is_not_ours_is_left_alone() -> None:
    log = Mended(FakeSource(facts(1, 2)), FakeLedger(2), clock=Clock())
    assert log.read_on({5: 0}, limit=9, timeout_s=0, skip=()) == Batch([], {})


def test_facts_that_the_ledger_lacks_stop_it() -> None:
    with pytest.raises(HoleError, match="older backup"):
        mended(facts(1, 9), head=5)


def test_other_facts_under_the_same_numbers_stop_it_at_the_first_and_from_time_to_time() -> None:
    """As a restored ledger gives them."""
    clock, others = Clock(), [replace(event, hash=b"other") for event in facts(1, 2, 3)]
    with pytest.raises(HoleError, match="older backup"):
        Mended(FakeSource(others), FakeLedger(3), clock=clock).read_on({0: 0}, limit=9, timeout_s=0, skip=())
    log = Mended(FakeSource(facts(1), others[1:2], others[2:]), FakeLedger(3), heads_every_s=10, clock=clock)
    for clock.now, after in ((5, 0), (6, 1)):
        assert log.read_on({0: after}, limit=9, timeout_s=0, skip=()).through == {0: after + 1}
    clock.now = 17
    with pytest.raises(HoleError):
        log.read_on({0: 2}, limit=9, timeout_s=0, skip=())


def test_types_that_are_not_wanted_move_the_place_all_the_same() -> None:
    log = Mended(FakeSource(facts(1, 2)), FakeLedger(2), clock=Clock())
    batch = log.read_on({0: 0}, limit=9, timeout_s=0, skip={LAPSED.TYPE})
    assert ([e.partition_seq for e in batch.events], batch.through) == ([1], {0: 2})


def test_what_is_left_of_an_unwanted_fact_moves_the_place_and_is_compared_with_the_ledger() -> None:
    wanted, passed = facts(1, 2)
    rest = Passed(0, 2, LAPSED.TYPE, passed.hash)
    log = Mended(FakeSource([wanted, rest]), FakeLedger(2), clock=Clock())
    assert log.read_on({0: 0}, limit=9, timeout_s=0, skip={LAPSED.TYPE}) == Batch([wanted], {0: 2})
    other = Mended(FakeSource([wanted, rest._replace(hash=b"other")]), FakeLedger(2), clock=Clock())
    with pytest.raises(HoleError):
        other.read_on({0: 0}, limit=9, timeout_s=0, skip={LAPSED.TYPE})


def test_a_hole_at_the_end_shows_against_the_heads_of_a_while_ago() -> None:
    clock = Clock()
    log = Mended(FakeSource(), FakeLedger(3), heads_every_s=10, clock=clock)
    for clock.now, expected in ((5, {}), (11, {}), (15, {}), (22, {0: 3})):
        assert log.read_on({0: 1}, limit=9, timeout_s=0, skip=()).through == expected


def test_reading_ahead_answers_the_same_and_asks_before_it_is_asked() -> None:
    ledger = FakeLedger(25)
    with closing(ReadAhead(ledger)) as log:
        seen: list[int] = []
        while (batch := log.read_on({0: len(seen)}, limit=10, timeout_s=0, skip=frozenset())).through:
            seen += [event.partition_seq for event in batch.events]
    assert seen == list(range(1, 26))
    assert ledger.asked == [0, 10, 20, 25]


def test_what_was_read_ahead_serves_when_a_partition_is_left_out_of_the_question() -> None:
    ledger = FakeLedger(25)
    with closing(ReadAhead(ledger)) as log:
        log.read_on({0: 0, 7: 3}, limit=10, timeout_s=0, skip=())
        batch = log.read_on({0: 10}, limit=10, timeout_s=0, skip=())
        assert ([e.partition_seq for e in batch.events], batch.through) == (list(range(11, 21)), {0: 20})
    assert ledger.asked[:2] == [0, 10]


def test_what_was_read_ahead_is_dropped_when_something_else_is_asked() -> None:
    ledger = FakeLedger(25)
    with closing(ReadAhead(ledger)) as log:
        log.read_on({0: 0}, limit=10, timeout_s=0, skip=())
        batch = log.read_on({0: 3}, limit=10, timeout_s=0, skip=())
    assert [event.partition_seq for event in batch.events] == list(range(4, 14))
