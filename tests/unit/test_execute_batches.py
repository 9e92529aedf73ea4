"""Executing a batch: each in turn, written together, a verdict for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from adapters.ids import uuid7
from adapters.keys import vault
from domain.decider import Command
from domain.errors import (
    ErasedError,
    ExistsError,
    FactTooLargeError,
    InvalidError,
    MergedError,
    NaiveTimeError,
    RefusedError,
    RepeatedError,
    TooFarAheadError,
    TooLongAgoError,
    UnavailableError,
    UnknownError,
)
from domain.execute import Context, Outcome
from domain.personal import ERASED
from domain.ports import Found
from tests.world import HUGE, NOW, WatchedLedger, World, fresh, order, value_of

EARLY = timezone(timedelta(hours=14))


@pytest.fixture
def world() -> World:
    return World()


class TestBatches:
    def test_later_commands_see_what_earlier_ones_did(self, world: World) -> None:
        a, ticket_id = uuid7(), uuid7()
        verdicts = run(
            world,
            ("customer.register", {"customer_id": a, "name": "Ana"}),
            ("customer.note_need", {"customer_id": a, "need": "roof"}),
            ("customer.note_need", {"customer_id": a, "need": "roof"}),
            ("ticket.open", {"ticket_id": ticket_id, "customer_id": a}),
            ("ticket.note", {"ticket_id": ticket_id, "content": "she called"}),
        )
        assert [len(verdict.places) for verdict in accepted(verdicts)] == [1, 1, 0, 1, 1]
        assert [verdict.version for verdict in accepted(verdicts)] == [1, 2, 2, 1, 2]
        assert len(world.ledger.appends) == 1
        world.vault.erase([a])
        assert world.open(value_of(world.newest(ticket_id).fact, "content")) is ERASED

    def test_errors_come_one_by_one_and_stop_nobody_else(self, world: World) -> None:
        erased, merged, b, ticket_id = world.customer(), world.customer(), world.customer(), uuid7()
        world.do("customer.erase", customer_id=erased)
        world.vault.erase([erased])
        world.do("customer.merge", customer_id=merged, into_id=b)
        world.do("ticket.open", ticket_id=ticket_id)
        verdicts = run(
            world,
            ("customer.register", {"customer_id": b}),
            ("customer.note_need", {"customer_id": erased, "need": "roof"}),
            ("customer.amend", {"customer_id": erased, "name": "Ana"}),
            ("customer.note_need", {"customer_id": merged, "need": "roof"}),
            ("customer.note_need", {"customer_id": uuid7(), "need": "roof"}),
            ("customer.note_need", {"customer_id": ticket_id, "need": "roof"}),
            ("ticket.close", {"ticket_id": ticket_id}),
            ("order.place", {"order_id": uuid7(), **HUGE}),
            ("customer.note_need", {"customer_id": b, "need": "roof", "at": datetime(2026, 1, 1)}),  # noqa: DTZ001 bad
            ("customer.note_need", {"customer_id": b, "need": "roof", "at": NOW + timedelta(days=9)}),
            ("customer.note_need", {"customer_id": b, "need": "roof", "at": datetime(1, 1, 1, tzinfo=EARLY)}),
            ("customer.note_need", {"customer_id": b, "need": "roof"}),
        )
        kinds = [type(verdict) for verdict in verdicts]
        assert kinds[:5] == [ExistsError, ErasedError, ErasedError, MergedError, UnknownError]
        assert kinds[5:8] == [UnknownError, Outcome, FactTooLargeError]
        assert kinds[8:] == [NaiveTimeError, TooFarAheadError, TooLongAgoError, Outcome]

    def test_a_value_too_large_to_be_sealed_is_one_verdict(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vault, "LARGEST_BYTES", 1_000)
        a = world.customer()
        content = {"interaction_id": uuid7(), "customer_id": a, "kind": "factual", "content": "é" * 501}
        verdicts = run(
            world, ("interaction.take_note", content), ("customer.note_need", {"customer_id": a, "need": "x"})
        )
        assert [type(verdict) for verdict in verdicts] == [InvalidError, Outcome]

    def test_one_id_twice_in_a_batch_is_one_command(self, world: World) -> None:
        a, same = world.customer(), uuid7()
        verdicts = run(
            world,
            ("customer.note_need", {"customer_id": a, "need": "roof", "id": same}),
            ("customer.note_need", {"customer_id": a, "need": "roof", "id": same}),
            ("customer.note_need", {"customer_id": a, "need": "wall", "id": same}),
        )
        first, again, other = verdicts
        assert isinstance(first, Outcome)
        assert isinstance(again, Outcome)
        assert (again.places, again.version, again.repeated) == (first.places, first.version, True)
        assert not first.repeated
        assert isinstance(other, RepeatedError)
        assert world.ledger.last_position() == 2

    def test_one_id_twice_in_a_batch_is_decided_again_when_it_was_refused(self, world: World) -> None:
        a, same = uuid7(), uuid7()
        need = ("customer.note_need", {"customer_id": a, "need": "roof", "id": same})
        verdicts = run(world, need, need, ("customer.register", {"customer_id": a}), need)
        assert [type(verdict) for verdict in verdicts] == [UnknownError, UnknownError, Outcome, Outcome]
        assert world.newest(a).command_id == same

    def test_a_batch_given_again_is_answered_from_the_ledger_before_it_is_judged(self, world: World) -> None:
        a = uuid7()
        batch = [
            (order("customer.register", customer_id=a, name="Ana"), fresh()),
            (order("customer.erase", customer_id=a), fresh(occurred_at=NOW)),
        ]
        first = accepted(world.here.execute_all(batch))
        world.vault.erase([a])
        world.now = NOW - timedelta(days=1)
        again = accepted(world.elsewhere.execute_all(batch))
        assert [(v.places, v.version, v.repeated) for v in again] == [(v.places, v.version, True) for v in first]
        [other] = world.here.execute_all([(order("customer.register", customer_id=uuid7()), batch[0][1])])
        assert isinstance(other, RepeatedError)

    def test_a_batch_that_another_gives_at_the_same_time_is_no_less_a_repeat(self) -> None:
        class SlowLedger(WatchedLedger):
            after_look_up: Callable[[], object] | None = None

            def find_commands(self, command_ids: Sequence[UUID]) -> Mapping[UUID, Found]:
                found = super().find_commands(command_ids)
                action, self.after_look_up = self.after_look_up, None
                if action:
                    action()
                return found

        ledger = SlowLedger()
        world = World(ledger)
        customer_id = uuid7()
        batch = [(order("customer.register", customer_id=customer_id), fresh()),
                 (order("customer.note_need", customer_id=customer_id, need="roof"), fresh())]  # fmt: skip
        ledger.after_look_up = lambda: world.elsewhere.execute_all(batch)
        verdicts = accepted(world.here.execute_all(batch))
        assert [(verdict.repeated, len(verdict.places)) for verdict in verdicts] == [(True, 1), (True, 1)]
        assert ledger.last_position() == 2

    def test_a_batch_that_was_overtaken_is_decided_again(self, world: World) -> None:
        a = world.customer()
        stage = {"customer_id": a, "stage": "customer"}
        world.ledger.before_append = lambda: world.do("customer.change_stage", by=world.elsewhere, **stage)
        verdicts = run(world, ("customer.change_stage", stage), ("customer.note_need", {"customer_id": a, "need": "x"}))
        assert [len(verdict.places) for verdict in accepted(verdicts)] == [0, 1]
        assert world.stages(a) == ["customer"]

    def test_a_batch_whose_reply_was_lost_is_recalled(self, world: World) -> None:
        a, refused = uuid7(), uuid7()
        batch = [
            (order("customer.register", customer_id=a), fresh()),
            (order("customer.note_need", customer_id=refused, need="roof"), fresh()),
            (order("customer.note_need", customer_id=a, need="roof"), fresh()),
        ]
        world.ledger.before_append = lambda: world.elsewhere.execute_all(batch)
        register, unknown, need = world.here.execute_all(batch)
        assert [o.places[0].position for o in (register, need) if isinstance(o, Outcome) and o.repeated] == [1, 2]
        assert isinstance(unknown, UnknownError)
        assert world.ledger.last_position() == 2

    def test_whose_a_value_is_follows_what_was_accepted_not_what_was_refused(self, world: World) -> None:
        unknown, known, ticket_id = uuid7(), world.customer(), uuid7()
        verdicts = run(
            world,
            ("ticket.open", {"ticket_id": ticket_id, "customer_id": unknown}),
            ("ticket.open", {"ticket_id": ticket_id, "customer_id": known}),
            ("ticket.note", {"ticket_id": ticket_id, "content": "she called"}),
        )
        assert [type(verdict) for verdict in verdicts] == [UnknownError, Outcome, Outcome]
        world.vault.erase([known])
        assert world.open(value_of(world.newest(ticket_id).fact, "content")) is ERASED

    def test_a_row_that_mistakes_a_stream_for_another_kind_does_not_spoil_the_others(self, world: World) -> None:
        ticket_id = uuid7()
        world.do("ticket.open", ticket_id=ticket_id)
        verdicts = run(
            world,
            ("ticket.close", {"ticket_id": ticket_id}),
            ("customer.note_need", {"customer_id": ticket_id, "need": "roof"}),
        )
        assert [type(verdict) for verdict in verdicts] == [Outcome, UnknownError]

    def test_an_empty_batch_is_nothing(self, world: World) -> None:
        assert world.here.execute_all([]) == []


class TestDrafts:
    """A batch that is decided while the one before it is being appended."""

    def test_a_draft_sees_what_the_one_before_it_will_have_done(self, world: World) -> None:
        a, order_id = uuid7(), uuid7()
        first = world.here.decide_all([(order("customer.register", customer_id=a, name="Ana"), fresh())])
        second = world.here.decide_all([(a_sale(order_id, a), fresh())], first)
        assert world.ledger.last_position() == 0
        [registered, placed] = [*world.here.submit_all(first)(), *world.here.submit_all(second)()]
        assert [v.version for v in accepted([registered, placed])] == [1, 1]
        assert (first.stands, second.stands) == (True, True)

    def test_it_is_decided_anew_when_the_one_before_it_came_to_something_else(self, world: World) -> None:
        a = uuid7()
        first = world.here.decide_all([(order("customer.register", customer_id=a), fresh())])
        second = world.here.decide_all(
            [(order("customer.change_stage", customer_id=a, stage="customer"), fresh())], first
        )
        world.do("customer.register", by=world.elsewhere, customer_id=a, stage="customer")
        [refused] = world.here.submit_all(first)()
        [idle] = world.here.submit_all(second)()
        assert isinstance(refused, ExistsError)
        assert isinstance(idle, Outcome)
        assert (idle.places, first.stands, second.stands) == ((), False, False)
        assert world.stages(a) == []

    def test_nothing_is_refused_before_the_one_before_it_is_appended(self, world: World) -> None:
        a, unknown = uuid7(), uuid7()
        first = world.here.decide_all([(order("customer.register", customer_id=a), fresh())])
        need = order("customer.note_need", customer_id=unknown, need="roof")
        second = world.here.decide_all([(need, fresh())], first)
        assert second.decided is None
        world.here.submit_all(first)()
        world.do("customer.register", by=world.elsewhere, customer_id=unknown)
        assert len(accepted(world.here.submit_all(second)())[0].places) == 1

    def test_it_waits_for_one_that_waits_itself(self, world: World) -> None:
        a, b = uuid7(), uuid7()
        first = world.here.decide_all([(order("customer.register", customer_id=a), fresh())])
        both = [(order("customer.register", customer_id=x), fresh()) for x in (a, b)]
        second = world.here.decide_all(both, first)
        world.here.submit_all(first)()
        third = world.here.decide_all([(order("customer.note_need", customer_id=b, need="roof"), fresh())], second)
        assert (second.decided, third.decided) == (None, None)
        assert [type(verdict) for verdict in world.here.submit_all(second)()] == [ExistsError, Outcome]
        assert len(accepted(world.here.submit_all(third)())[0].places) == 1

    def test_a_command_of_both_happens_once(self, world: World) -> None:
        a, context = uuid7(), fresh()
        register = (order("customer.register", customer_id=a), context)
        first = world.here.decide_all([register])
        second = world.here.decide_all([register, (order("customer.register", customer_id=uuid7()), context)], first)
        [done] = accepted(world.here.submit_all(first)())
        again, other = world.here.submit_all(second)()
        assert isinstance(again, Outcome)
        assert (again.places, again.repeated) == (done.places, True)
        assert isinstance(other, RepeatedError)

    def test_a_value_goes_under_the_key_of_whom_the_draft_before_named(self, world: World) -> None:
        a, ticket_id = world.customer(), uuid7()
        first = world.here.decide_all([(order("ticket.open", ticket_id=ticket_id, customer_id=a), fresh())])
        note = order("ticket.note", ticket_id=ticket_id, content="she called")
        second = world.here.decide_all([(note, fresh())], first)
        accepted([*world.here.submit_all(first)(), *world.here.submit_all(second)()])
        assert second.stands
        world.vault.erase([a])
        assert world.open(value_of(world.newest(ticket_id).fact, "content")) is ERASED

    def test_what_could_not_be_appended_is_known_not_to_stand(self, world: World) -> None:
        a = uuid7()
        first = world.here.decide_all([(order("customer.register", customer_id=a), fresh())])
        second = world.here.decide_all([(order("customer.note_need", customer_id=a, need="roof"), fresh())], first)
        world.ledger.before_append = fail
        with pytest.raises(UnavailableError):
            world.here.submit_all(first)()
        [refused] = world.here.submit_all(second)()
        assert first.stands is False
        assert isinstance(refused, UnknownError)


def a_sale(order_id: UUID, customer_id: UUID) -> Command:
    line = {"product_id": uuid7(), "quantity": 1, "amount_minor": 100}
    return order("order.place", order_id=order_id, customer_id=customer_id, number="1", currency="EUR", lines=[line])


def fail() -> None:
    raise UnavailableError


def run(world: World, *commands: tuple[str, dict[str, Any]]) -> Sequence[Outcome | RefusedError]:
    """Each command with a new id, unless `id` gives one; `at` is its time."""
    batch = []
    for name, fields in commands:
        own = {key: value for key, value in fields.items() if key not in ("id", "at")}
        batch.append((order(name, **own), Context(fields.get("id", uuid7()), "importer", occurred_at=fields.get("at"))))
    return world.here.execute_all(batch)


def accepted(verdicts: Sequence[Outcome | RefusedError]) -> list[Outcome]:
    outcomes = [verdict for verdict in verdicts if isinstance(verdict, Outcome)]
    assert len(outcomes) == len(verdicts), verdicts
    return outcomes
