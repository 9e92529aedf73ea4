"""A batch folded in memory: order kept, failures parked with what follows, nothing else touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import pytest

from domain.customer.facts import CustomerRegistered, CustomerStageChanged, Kind, NeedNoted, Stage
from domain.errors import InvalidError
from domain.event import Event
from domain.fact import Fact
from projections.engine.engine import BreakerError
from projections.engine.fold import WAITS, Folded, fold, plan
from projections.engine.ownership import shared_rows
from projections.engine.progress import parse_token
from projections.engine.readmodel import Build, ReadModel, Rows, by_subject

AT = datetime(2024, 5, 1, tzinfo=UTC)
ANN, BOB = UUID(int=1), UUID(int=2)
REGISTERED = CustomerRegistered(kind=Kind.PERSON, stage=Stage.PROSPECT)
LAPSED = CustomerStageChanged(stage=Stage.LAPSED)


class Count(NamedTuple):
    customer_id: UUID
    facts: int


def evolve(row: Count | None, event: Event) -> Count | None:
    if isinstance(event.fact, NeedNoted):
        raise TypeError(event.fact.need)
    if event.fact == LAPSED:
        return None
    return Count(event.subject_id, row.facts + 1 if row else 1)


COUNTS = ReadModel(
    name="counts",
    version=1,
    row=Count,
    key=1,
    facts=(CustomerRegistered, CustomerStageChanged, NeedNoted),
    keys=by_subject,
    evolve=evolve,
)
BUILD = Build(COUNTS, "1")


def happened(seq: int, subject_id: UUID, fact: Fact, *, type_: str | None = None, data: bytes | None = None) -> Event:
    own = UUID(int=100 + seq)
    return Event(
        seq, 0, seq, subject_id, seq, subject_id, seq, own, own, own, own, AT, AT, type_ or fact.TYPE, "tester",
        "command", data or fact.encode(), b"", b"",
    )  # fmt: skip


def folded(*events: Event, rows: dict[UUID, Count] | None = None, stuck: frozenset[UUID] = frozenset()) -> Folded:
    found: Rows = {(i,): (rows or {}).get(i) for i in (ANN, BOB)}
    return fold(BUILD, plan(COUNTS, events), found, stuck)


def test_facts_are_folded_one_after_the_other() -> None:
    result = folded(happened(1, ANN, REGISTERED), happened(2, ANN, REGISTERED))
    assert result.after == {(ANN,): Count(ANN, 2), (BOB,): None}
    assert result.changed == {(ANN,): Count(ANN, 2)}


def test_a_row_that_goes_is_a_change_and_one_that_comes_and_goes_is_none() -> None:
    assert folded(happened(1, ANN, LAPSED), rows={ANN: Count(ANN, 1)}).changed == {(ANN,): None}
    assert folded(happened(1, ANN, REGISTERED), happened(2, ANN, LAPSED)).changed == {}


def test_after_a_failure_the_subject_waits_and_the_others_go_on() -> None:
    failing = NeedNoted(need="rest")
    events = (happened(1, ANN, REGISTERED), happened(2, ANN, failing), happened(3, ANN, REGISTERED))
    result = folded(*events, happened(4, BOB, REGISTERED))
    assert result.after == {(ANN,): Count(ANN, 1), (BOB,): Count(BOB, 1)}
    assert [(p.partition_seq, p.subject_id, p.cause == WAITS) for p in result.parked] == [
        (2, ANN, False),
        (3, ANN, True),
    ]
    assert result.parked[0].cause.startswith("TypeError: rest (test_engine_fold.py:")


def test_a_subject_that_waited_already_goes_on_waiting() -> None:
    result = folded(happened(1, ANN, REGISTERED), stuck=frozenset({ANN}))
    assert (result.changed, [p.cause for p in result.parked]) == ({}, [WAITS])


def test_an_unknown_type_is_marked_as_such() -> None:
    (parked,) = folded(happened(1, ANN, REGISTERED, type_="crm.customer.from_the_future.v1")).parked
    assert (parked.is_unknown, parked.type) == (True, "crm.customer.from_the_future.v1")


def test_what_does_not_fit_its_type_is_parked_without_its_values() -> None:
    (parked,) = folded(happened(1, ANN, REGISTERED, data=b'{"kind":"secret","stage":"prospect"}')).parked
    assert parked.cause.startswith("ValidationError: kind: ")
    assert "secret" not in parked.cause
    assert not parked.is_unknown


def test_the_breaker_s_error_says_what_to_do() -> None:
    error = BreakerError(read_model="counts_1", first_cause="LookupError")
    assert "Mend its fold" in str(error)
    assert "read model counts_1" in str(error)


def test_rows_that_two_subjects_would_write_are_found() -> None:
    events = (happened(1, ANN, REGISTERED), happened(2, BOB, REGISTERED))
    assert shared_rows(COUNTS, events) == {}
    everyone = replace(COUNTS, keys=lambda _: (("all",),))
    assert shared_rows(everyone, events) == {("all",): {ANN, BOB}}


def test_a_token_names_places() -> None:
    assert parse_token("17.42,3.9") == {17: 42, 3: 9}
    assert parse_token("") == {}


@pytest.mark.parametrize("token", ["17", "a.b", "1.2.3"])
def test_something_else_than_a_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidError, match="no such token"):
        parse_token(token)
