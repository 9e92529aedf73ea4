"""The reader of partners' topics: each record is taken in its order, nothing stops it, a repeat does no harm."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from threading import Event as Flag
from typing import Any

import pytest

from domain.errors import UnavailableError
from streams.inbound.concerning import find_concerned
from streams.inbound.intake import Kind
from streams.inbound.reader import PATIENCE_S, From, InboundReader, Place, Written
from tests.sending import Desk, MemoryQuarantine, accepting, event

TOPIC, OTHER = "crm.partner.olaria.inbound.v1", "crm.partner.vidros.inbound.v1"


class MemoryTopics:
    """Topics in lists; InboundTopics over those that are asked for."""

    is_whole = True

    def __init__(self, records: Mapping[str, list[Any]], topics: Collection[str], places: Mapping[str, Place]) -> None:
        self._records = records
        self._next = {topic: places[topic].next_offset if topic in places else 0 for topic in topics}
        self.paused: set[str] = set()

    def poll(self, timeout_s: float) -> Sequence[Written]:
        del timeout_s
        found = [Written(topic, offset, *self._records[topic][offset])
                 for topic, start in self._next.items() if topic not in self.paused
                 for offset in range(start, len(self._records[topic]))]  # fmt: skip
        for one in found:
            self._next[one.topic] = one.offset + 1
        return found

    def place(self, written: Written) -> Place:
        return Place("1", written.offset + 1)

    def hold_back(self, written: Written) -> None:
        self.paused.add(written.topic)
        self._next[written.topic] = written.offset

    def let_go(self, topic: str) -> None:
        self.paused.remove(topic)

    def close(self) -> None: ...


class MemoryReaderDesk:
    """A ReaderDesk that may be away when a place is kept."""

    def __init__(self) -> None:
        self.kept: dict[str, Place] = {}
        self.is_away = False

    def lead(self) -> bool:
        return True

    def places(self) -> Mapping[str, Place]:
        return dict(self.kept)

    def save(self, places: Mapping[str, Place]) -> None:
        if self.is_away:
            self.is_away = False
            raise UnavailableError
        self.kept.update(places)

    def close(self) -> None: ...


class Reading:
    """A reader over a desk, with one topic of its partner's, and one of another's."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.places, self.now = desk, MemoryReaderDesk(), 0.0
        self.records: dict[str, list[Any]] = {TOPIC: [], OTHER: []}
        self.other = Desk(world=desk.world, quarantine=desk.quarantine)
        whose = {TOPIC: From(desk.agreement_id, desk.partner_id),
                 OTHER: From(self.other.agreement_id, self.other.partner_id)}  # fmt: skip
        self._reader = InboundReader(
            self.places,
            desk.intake,
            lambda: whose,
            lambda topics, places: MemoryTopics(self.records, topics, places),
            clock=lambda: self.now,
        )

    def write(self, content: Any, topic: str = TOPIC) -> None:
        """In structured mode."""
        self.write_raw([("content-type", b"application/cloudevents+json")], json.dumps(content).encode(), topic)

    def write_raw(self, headers: list[tuple[str, bytes]], value: bytes | None, topic: str = TOPIC) -> None:
        self.records[topic].append((headers, value))

    def read(self, *, until: float = 20.0) -> None:
        """Until so much time has passed, each look at the clock a second."""
        stop = Flag()

        def clock() -> float:
            self.now += 1.0
            if self.now > until:
                stop.set()
            return self.now

        self.now, self._reader._clock = 0.0, clock
        self._reader.run(stop)


@pytest.fixture
def reading() -> Reading:
    desk = Desk()
    desk.agree(accepting("availability"))
    return Reading(desk)


def low(reading: Reading, id_: str = "1") -> dict[str, Any]:
    return event("availability", {"product_id": str(reading.desk.product()), "level": "low"}, id_)


def test_what_is_written_is_taken_and_its_place_is_kept(reading: Reading) -> None:
    sent = [low(reading, str(n)) for n in range(3)]
    for one in sent:
        reading.write(one)
    reading.read()
    assert [reading.desk.send(one).kind for one in sent] == [Kind.REPEATED] * 3
    assert reading.places.kept == {TOPIC: Place("1", 3)}


def test_nothing_that_is_malformed_stops_what_follows(reading: Reading) -> None:
    name = [("ce_specversion", b"1.0"), ("ce_id", b"7"), ("ce_source", b"/erp"), ("ce_type", b"partner.wish.v1")]
    malformed: list[tuple[list[tuple[str, bytes]], bytes | None]] = [
        ([], b"{}"),
        ([], None),
        (name, None),
        (name, b"\xff\xfe"),
        (name, b"{}"),
        (name[:1] + name[2:], b"{}"),
        (name, b'{"x": "' + b"y" * 1_100_000 + b'"}'),
        ([("ce_id", b"\xff")], b"{}"),
    ]
    for headers, value in malformed:
        reading.write_raw(headers, value)
    reading.write(right := low(reading))
    reading.read()
    assert reading.desk.send(right).kind is Kind.REPEATED
    assert len(reading.desk.held) == len(malformed)
    assert {one.code for one in reading.desk.held} == {"event-form", "event-too-large", "not-accepted"}
    assert {one.type for one in reading.desk.held} == {None, "partner.wish.v1"}


def test_after_a_crash_what_was_not_kept_is_read_again_and_taken_once(reading: Reading) -> None:
    sent = low(reading)
    reading.write(sent)
    reading.write({})
    reading.places.is_away = True
    reading.read(until=30)
    reading.read()
    assert reading.places.kept == {TOPIC: Place("1", 2)}
    changed = [one for one in reading.desk.world.ledger.read(0, 100) if "availability" in one.type]
    assert len(changed) == 1
    assert [one.attempts for one in reading.desk.held] == [2]


def test_one_that_nobody_foresaw_is_held_and_the_rest_goes_on(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, right = low(reading, "broken"), low(reading, "right")

    def find(question: Any, *more: Any) -> Any:
        if str(question.stream_id) == broken["data"]["product_id"]:
            raise ZeroDivisionError("Ana Lima")
        return find_concerned(question, *more)

    monkeypatch.setattr("streams.inbound.intake.find_concerned", find)
    for one in (broken, right):
        reading.write(one)
    reading.read()
    assert reading.desk.send(right).kind is Kind.REPEATED
    (held,) = reading.desk.held
    assert held.code == "unforeseen"
    assert "ZeroDivisionError" in held.reason
    assert "Ana" not in held.reason


def test_a_partner_whose_quarantine_is_full_waits_and_the_others_do_not() -> None:
    desk = Desk(quarantine=MemoryQuarantine(most=1))
    desk.agree(accepting("availability"))
    reading = Reading(desk)
    reading.other.agree(accepting("availability"))
    theirs = event("availability", {"product_id": str(reading.other.product()), "level": "low"})
    for content in ({"id": "1"}, {"id": "2"}, low(reading)):
        reading.write(content)
    reading.write(theirs, OTHER)
    reading.read(until=25)
    assert reading.places.kept == {TOPIC: Place("1", 1), OTHER: Place("1", 1)}
    assert reading.other.send(theirs).kind is Kind.REPEATED
    desk.mending.discard(desk.held[0].id, "carla")
    reading.read(until=PATIENCE_S + 40)
    assert reading.places.kept[TOPIC] == Place("1", 3)


def test_an_agreement_that_is_another_partners_takes_nothing_from_a_topic(reading: Reading) -> None:
    reading.write(low(reading), OTHER)
    reading.read()
    assert [one.code for one in reading.desk.held] == ["unknown"]
